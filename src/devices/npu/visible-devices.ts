// ASCEND_RT_VISIBLE_DEVICES: the devices that AscendCL shows to this process, counted from 0 in the order of the list.

/** What is wrong with the list, for people; AscendCL itself says nothing and leaves out the rest. */
export function visibleDevicesWarning(list: string | undefined): string | undefined {
  if (list === undefined || list === '') return undefined
  const ids = list.split(',')
  const at = ids.findIndex((id, index) => !isAscending(id, ids[index - 1]))
  if (at === -1) return undefined
  const kept = ids.slice(0, at).join(',') || 'nothing'
  return (
    `ASCEND_RT_VISIBLE_DEVICES is "${list}": AscendCL reads it up to ${JSON.stringify(ids[at])}, and uses ${kept}. ` +
    'Write ascending numbers with commas and without spaces, such as 0,1,2,3.'
  )
}

const isAscending = (id: string, before: string | undefined): boolean =>
  /^\d+$/.test(id) && (before === undefined || Number(id) > Number(before))
