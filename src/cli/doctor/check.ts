// What the doctor finds out about one thing.

export interface Check {
  /** The heading it stands under. */
  group: 'System' | 'Media' | 'Files' | 'Devices' | 'Ascend' | 'Self test'
  /** Such as `compiler`. */
  name: string
  /** `no`: what needs it does not work here. `note`: it works, and there is something to know. */
  state: 'ok' | 'note' | 'no'
  /** What was found, in a few words. */
  found: string
  /** What to do about it. */
  do?: string | undefined
}
