// The checksum of native/cpu/checksum.h, for the small tables of a packed file.

const mask = (1n << 64n) - 1n
const laneFactor = 0x9e3779b97f4a7c15n
const mixFactor = 0xd6e8feb86659fd93n
const wordBytes = 8
const numLanes = 4

export function checksum(bytes: Buffer): bigint {
  const lanes = [1n, 2n, 3n, 4n]
  const blockBytes = numLanes * wordBytes
  const end = bytes.length - (bytes.length % blockBytes)
  for (let at = 0; at < end; at += blockBytes) {
    for (let lane = 0; lane < numLanes; lane++) {
      const mixed = ((lanes[lane]! ^ bytes.readBigUInt64LE(at + lane * wordBytes)) * laneFactor) & mask
      lanes[lane] = mixed ^ (mixed >> 29n)
    }
  }
  let sum = mixBits(BigInt(bytes.length))
  for (const byte of bytes.subarray(end)) sum = mixBits(sum ^ BigInt(byte))
  for (const lane of lanes) sum = mixBits(sum ^ lane)
  return sum
}

function mixBits(value: bigint): bigint {
  const once = ((value ^ (value >> 32n)) * mixFactor) & mask
  const twice = ((once ^ (once >> 32n)) * mixFactor) & mask
  return twice ^ (twice >> 32n)
}
