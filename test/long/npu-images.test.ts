// The golden images and videos that test/devices/npu/device-images.test.ts leaves out.

import { describeImages, isQuick } from '../devices/npu/images.js'

describeImages((id) => !isQuick(id))
