// The operators of opset 17 that ATC takes and whose shapes follow from the shapes of their inputs.

/**
 * ATC registers each operator by version; all of these are there at 17. Operators whose shape depends on values, such as
 * NonZero, exclude gears and are not here, nor are those that run graphs of their own.
 */
export const atcOps: ReadonlySet<string> = new Set(
  (
    'Add Sub Mul Div Pow Sqrt Reciprocal Neg Exp Sin Cos Erf Tanh Sigmoid Equal Greater Less And Or Not Where Expand ' +
    'Identity Tile CastLike Cast Concat Reshape Transpose Slice Split Squeeze Unsqueeze Shape ReduceMean ReduceSum ' +
    'ReduceMax Clip Einsum Trilu Gather GatherElements GatherND ScatterND MatMul Gemm Softmax LayerNormalization TopK Conv'
  ).split(' '),
)
