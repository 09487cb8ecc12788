// Finds and loads the AscendCL addon, and says in qvl's words what it reports.

import { createRequire } from 'node:module'
import { type ErrorCode, type ErrorDetails, QvlError } from '../../errors.js'
import { nativeFile } from '../native-file.js'
import { type NpuAddon, type NpuError, type NpuErrorCode, npuErrorCodes } from './native.js'

const findAddon = (): string | undefined => nativeFile('qvl_npu.node')

/** Whether this installation has the addon at all. */
export const hasNpuAddon = (): boolean => findAddon() !== undefined

/** Needs no AscendCL: that is opened by `probe` and `open`. Throws DEVICE_UNAVAILABLE. */
export function loadNpuAddon(): NpuAddon {
  if (process.platform !== 'linux') {
    throw new QvlError('DEVICE_UNAVAILABLE', {
      what: 'The npu device is not available on this system.',
      why: `AscendCL exists for Linux on x64 and arm64, and this is ${process.platform}.`,
      do: 'Run qvl on the machine that has the NPU, or use --device cpu.',
    })
  }
  const file = findAddon()
  if (file === undefined) {
    throw new QvlError('DEVICE_UNAVAILABLE', {
      what: 'The npu device is not built.',
      why: 'There is no package with its native code for this platform, and it was not compiled here.',
      do: 'Install gcc or clang and run `npm run build:native` in the folder of qvl, or use --device cpu.',
    })
  }
  try {
    const addon: NpuAddon = createRequire(import.meta.url)(file)
    return addon
  } catch (cause) {
    throw new QvlError('DEVICE_UNAVAILABLE', {
      what: 'The npu device cannot be used on this machine.',
      why: 'Its native code was built for another system.',
      do: 'Run `npm run build:native` in the folder of qvl, or use --device cpu.',
      cause,
    })
  }
}

/** What a rejected call of the addon means. The NpuError, with the code, the call and the words of AscendCL, is the cause. */
export function npuFailure(error: unknown): QvlError {
  if (error instanceof QvlError) return error
  if (!isNpuError(error)) {
    return new QvlError('INTERNAL', {
      what: 'The npu device was asked for something that it does not offer.',
      why: 'This is a defect in qvl, not in the input.',
      do: 'Run again with --debug and report the stack trace.',
      cause: error,
    })
  }
  const [code, details] = error.code === 'ERR_NPU_LIBRARY' ? libraryFailure(error) : failures[error.code]
  return new QvlError(code, { ...details, cause: error })
}

function isNpuError(error: unknown): error is NpuError {
  return error instanceof Error && 'code' in error && npuErrorCodes.some((code) => code === error.code)
}

type Failure = [code: ErrorCode, details: ErrorDetails]

/** Libraries of the driver, which the host lends to a container. */
const driverLibraries = /libascend_hal|libdrvdsmi|libdcmi/

/** The stub of the development kit answers every call with this code. */
const stubLibraryCode = 100039

/** The loader's own words say which library is missing. */
function libraryFailure({ aclCode, detail = '' }: NpuError): Failure {
  const what = 'The AscendCL library cannot be used.'
  if (aclCode === stubLibraryCode) {
    return [
      'DEVICE_UNAVAILABLE',
      {
        what,
        why: 'The library that was found is the stub that programs are linked with.',
        do: "Remove the folder devlib from LD_LIBRARY_PATH and run `source set_env.sh` of CANN's toolkit.",
      },
    ]
  }
  if (driverLibraries.test(detail)) {
    return [
      'DEVICE_UNAVAILABLE',
      {
        what,
        why: 'CANN was found, but not the libraries of the NPU driver.',
        do: 'Install the driver; in a container, mount /usr/local/Ascend/driver/lib64 and run `source set_env.sh`.',
      },
    ]
  }
  return [
    'DEVICE_UNAVAILABLE',
    {
      what,
      why: 'CANN is not installed on this machine, or its environment is not set.',
      do: "Run `source set_env.sh` of CANN's toolkit first. `qvl doctor` shows where qvl looks.",
    },
  ]
}

const failures: Record<Exclude<NpuErrorCode, 'ERR_NPU_LIBRARY'>, Failure> = {
  ERR_NPU_SYMBOL: [
    'DEVICE_UNAVAILABLE',
    {
      what: 'The AscendCL library lacks a function that qvl needs.',
      why: 'This release of CANN is too old.',
      do: 'Install CANN 8 or later; `qvl doctor` lists the functions that are missing.',
    },
  ],
  ERR_NPU_NO_DEVICE: [
    'DEVICE_UNAVAILABLE',
    {
      what: 'There is no such NPU on this machine.',
      why: 'The driver reports fewer devices, or ASCEND_RT_VISIBLE_DEVICES hides this one.',
      do: 'Check `npu-smi info` and ASCEND_RT_VISIBLE_DEVICES; in a container, pass --device /dev/davinci0 and the like.',
    },
  ],
  ERR_NPU_BUSY_OR_PERMISSION: [
    'DEVICE_UNAVAILABLE',
    {
      what: 'The NPU cannot be opened.',
      why: 'Another process holds what it has, or this user may not use it.',
      do: 'Check `npu-smi info` for other processes, and that the user is in the group of /dev/davinci0.',
    },
  ],
  ERR_NPU_OOM: [
    'DEVICE_OUT_OF_MEMORY',
    {
      what: 'The NPU has not enough memory for this.',
      why: 'The model, its largest gear and other processes share the memory of the device.',
      do: 'Stop other processes on the device, or compile the model with smaller gears.',
    },
  ],
  ERR_NPU_MODEL_FILE: [
    'DEVICE_FAILED',
    {
      what: 'The compiled model cannot be read.',
      why: 'Its file is missing, damaged, or was compiled by a newer release of CANN than the one on this machine.',
      do: 'Run `qvl compile` again.',
    },
  ],
  ERR_NPU_SOC_MISMATCH: [
    'DEVICE_FAILED',
    {
      what: 'The compiled model does not fit this NPU.',
      why: 'It was compiled for another SoC or another release of CANN.',
      do: 'Run `qvl compile` again with the --soc-version that `qvl doctor` shows.',
    },
  ],
  ERR_NPU_GEAR: [
    'DEVICE_FAILED',
    {
      what: 'The NPU refused the shapes of this batch.',
      why: 'The model was compiled for other shapes.',
      do: 'Run `qvl compile` again.',
    },
  ],
  ERR_NPU_TIMEOUT: [
    'DEVICE_LOST',
    {
      what: 'The NPU did not answer in time.',
      why: 'It is taken to be lost, and everything that was under way on it failed.',
      do: 'Send the request again in a moment: the device is being opened again.',
    },
  ],
  ERR_NPU_DEVICE_FAILED: [
    'DEVICE_LOST',
    {
      what: 'The NPU reported an error after which it has to be opened again.',
      why: 'Everything that was under way on it failed.',
      do: 'Send the request again in a moment; if it comes back, see `npu-smi info` and the logs under ~/ascend/log.',
    },
  ],
  ERR_NPU_QUEUE_FULL: [
    'DEVICE_FAILED',
    {
      what: 'Too many batches wait for the NPU.',
      why: 'They are handed over faster than it computes.',
      do: 'Send fewer requests at once.',
    },
  ],
  ERR_NPU_CLOSED: [
    'DEVICE_FAILED',
    {
      what: 'The NPU was closed before this batch was computed.',
      why: 'The program is ending.',
      do: 'Send the request again once it has been started again.',
    },
  ],
  ERR_NPU_INTERNAL: [
    'DEVICE_FAILED',
    {
      what: 'AscendCL reported an error.',
      why: 'It is none of those that qvl knows a remedy for.',
      do: 'Run again with --debug to see the code and the words of AscendCL.',
    },
  ],
}
