// Sizes of memory and files, for people.

const GiB = 1024 ** 3
const MiB = 1024 ** 2

export const sizeText = (bytes: number): string =>
  bytes >= GiB ? `${(bytes / GiB).toFixed(1)} GiB` : `${(bytes / MiB).toFixed(bytes < 10 * MiB ? 1 : 0)} MiB`
