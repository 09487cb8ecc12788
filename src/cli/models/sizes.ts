// Sizes of files for people, in the powers of ten that hubs and disks use.

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `532 B`, `1.2 GB`. */
export function fileSizeText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1)
  const value = bytes / 1000 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}
