import { expect, it } from 'vitest'
import { usableCores } from '#qvl/devices/cores.js'

const siblings = (pairs: string[]): Record<string, string> =>
  Object.fromEntries(
    pairs.flatMap((pair) =>
      pair.split(',').map((cpu) => [`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, `${pair}\n`]),
    ),
  )
const allowed = (list: string) => ({ '/proc/self/status': `Name:\tnode\nCpus_allowed_list:\t${list}\n` })

const cases: { name: string; files: Record<string, string>; processors: number; expected: number }[] = [
  { name: 'no system files', files: {}, processors: 6, expected: 6 },
  { name: 'one thread a core', files: { ...allowed('0-1'), ...siblings(['0', '1']) }, processors: 2, expected: 2 },
  { name: 'two threads a core', files: { ...allowed('0-3'), ...siblings(['0,2', '1,3']) }, processors: 4, expected: 2 },
  { name: 'affinity to one core', files: { ...allowed('2'), ...siblings(['0,2', '1,3']) }, processors: 1, expected: 1 },
  {
    name: 'a cgroup v2 share of one and a half',
    files: { ...allowed('0-3'), ...siblings(['0', '1', '2', '3']), '/sys/fs/cgroup/cpu.max': '150000 100000\n' },
    processors: 4,
    expected: 2,
  },
  {
    name: 'a cgroup v2 without a limit',
    files: { '/sys/fs/cgroup/cpu.max': 'max 100000\n' },
    processors: 4,
    expected: 4,
  },
  {
    name: 'a cgroup v1 share of a half',
    files: { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' },
    processors: 8,
    expected: 1,
  },
]

it.each(cases)('$name', ({ files, processors, expected }) => {
  expect(usableCores((file) => files[file], processors)).toBe(expected)
})
