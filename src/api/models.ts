// GET /v1/models: one card for each name the model is served under.

export interface ModelCards {
  /** Served names, the first of which answers use. */
  names: readonly string[]
  /** Unix time in seconds. */
  created: number
  /** The model as it was asked for: a folder or a hub id. */
  root: string
  maxModelLen: number
  /** 16 hexadecimal digits for the permission of each card. */
  permissionId: string
}

/** JSON in vLLM's key order. */
export function renderModels({ names, created, root, maxModelLen, permissionId }: ModelCards): string {
  const permission = {
    id: `modelperm-${permissionId}`,
    object: 'model_permission',
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  }
  const data = names.map((id) => ({
    id,
    object: 'model',
    created,
    // Clients know vLLM's cards.
    owned_by: 'vllm',
    root,
    parent: null,
    max_model_len: maxModelLen,
    permission: [permission],
  }))
  return JSON.stringify({ object: 'list', data })
}
