// The execution provider of ONNX Runtime that programs run on.

/** Only the processor so far. Whoever adds a choice must check it against `listSupportedBackends()`. */
export const provider = 'cpu'
