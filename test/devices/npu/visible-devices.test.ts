// Lists of devices that AscendCL would cut short without a word.

import { expect, it } from 'vitest'
import { visibleDevicesWarning } from '#qvl/devices/npu/visible-devices.js'

it.each([undefined, '', '0', '0,1,2,3', '4,7', '10,11'])('%j is read as it is written', (list) => {
  expect(visibleDevicesWarning(list)).toBeUndefined()
})

it.each([
  ['0, 1', ' 1', '0'],
  ['0,1,x,3', 'x', '0,1'],
  ['2,1', '1', '2'],
  ['1,1', '1', '1'],
  [' 0', ' 0', 'nothing'],
  ['0,,1', '', '0'],
  ['-1', '-1', 'nothing'],
])('%j is read up to %j', (list, wrong, used) => {
  const warning = visibleDevicesWarning(list)
  expect(warning).toContain(`up to ${JSON.stringify(wrong)}, and uses ${used}.`)
})
