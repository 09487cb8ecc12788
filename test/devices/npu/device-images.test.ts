// The golden images that differ in what the device is given; test/long/npu-images.test.ts has all the others.

import { describeImages, isQuick } from './images.js'

describeImages(isQuick)
