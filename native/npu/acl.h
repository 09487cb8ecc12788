// The part of AscendCL that the addon uses: our own declarations, and the list of functions that is resolved at run time.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { kAclMaxDims = 128, kAclMaxNameBytes = 128 };

typedef struct {
  char name[kAclMaxNameBytes];
  size_t dimCount;
  int64_t dims[kAclMaxDims];
} AclDims;

enum AclType {
  kAclFloat32 = 0,
  kAclFloat16 = 1,
  kAclInt8 = 2,
  kAclInt32 = 3,
  kAclUint8 = 4,
  kAclInt64 = 9,
  kAclBool = 12,
  kAclBfloat16 = 27,
};

enum AclCopy { kAclHostToDevice = 1, kAclDeviceToHost = 2 };
enum AclMalloc { kAclHugeFirst = 0 };
enum AclMemory { kAclDdr = 0, kAclHbm = 1 };
enum AclLoadAttribute { kAclLoadType = 1, kAclModelPath = 2, kAclWeightPath = 14 };
enum AclLoadType { kAclLoadFromFile = 1 };

/** The name of the hidden input that takes the gear. */
#define ACL_GEAR_INPUT "ascend_mbatch_shape_data"

/** REQUIRED or OPTIONAL, what the function returns, its name, its parameters. int is 0 when all went well. */
#define ACL_FUNCTIONS(REQUIRED, OPTIONAL)                                                                  \
  REQUIRED(int, aclInit, (const char* config))                                                             \
  REQUIRED(int, aclFinalize, (void))                                                                       \
  OPTIONAL(int, aclFinalizeReference, (uint64_t * left))                                                   \
  REQUIRED(const char*, aclGetRecentErrMsg, (void))                                                        \
  REQUIRED(const char*, aclrtGetSocName, (void))                                                           \
  REQUIRED(int, aclrtGetDeviceCount, (uint32_t * count))                                                   \
  REQUIRED(int, aclrtSetDevice, (int32_t id))                                                              \
  REQUIRED(int, aclrtResetDevice, (int32_t id))                                                            \
  REQUIRED(int, aclrtCreateContext, (void** context, int32_t id))                                          \
  REQUIRED(int, aclrtDestroyContext, (void* context))                                                      \
  REQUIRED(int, aclrtSetCurrentContext, (void* context))                                                   \
  REQUIRED(int, aclrtCreateStream, (void** stream))                                                        \
  REQUIRED(int, aclrtDestroyStream, (void* stream))                                                        \
  REQUIRED(int, aclrtSynchronizeStream, (void* stream))                                                    \
  OPTIONAL(int, aclrtSynchronizeStreamWithTimeout, (void* stream, int32_t ms))                             \
  OPTIONAL(int, aclrtDestroyStreamForce, (void* stream))                                                   \
  REQUIRED(int, aclrtMalloc, (void** address, size_t bytes, int policy))                                   \
  REQUIRED(int, aclrtFree, (void* address))                                                                \
  REQUIRED(int, aclrtMallocHost, (void** address, size_t bytes))                                           \
  REQUIRED(int, aclrtFreeHost, (void* address))                                                            \
  REQUIRED(int, aclrtMemcpyAsync, (void* to, size_t room, const void* from, size_t bytes, int kind, void* stream)) \
  REQUIRED(int, aclrtGetMemInfo, (int memory, size_t* freeBytes, size_t* totalBytes))                      \
  OPTIONAL(int, aclsysGetVersionStr, (char* package, char* version))                                       \
  REQUIRED(void*, aclCreateDataBuffer, (void* address, size_t bytes))                                      \
  REQUIRED(int, aclDestroyDataBuffer, (const void* buffer))                                                \
  REQUIRED(int, aclmdlLoadFromFile, (const char* path, uint32_t* model))                                   \
  OPTIONAL(void*, aclmdlCreateConfigHandle, (void))                                                        \
  OPTIONAL(int, aclmdlDestroyConfigHandle, (void* config))                                                 \
  OPTIONAL(int, aclmdlSetConfigOpt, (void* config, int attribute, const void* value, size_t bytes))        \
  OPTIONAL(int, aclmdlLoadWithConfig, (const void* config, uint32_t* model))                               \
  REQUIRED(int, aclmdlUnload, (uint32_t model))                                                            \
  REQUIRED(void*, aclmdlCreateDesc, (void))                                                                \
  REQUIRED(int, aclmdlDestroyDesc, (void* description))                                                    \
  REQUIRED(int, aclmdlGetDesc, (void* description, uint32_t model))                                        \
  REQUIRED(size_t, aclmdlGetNumInputs, (void* description))                                                \
  REQUIRED(size_t, aclmdlGetNumOutputs, (void* description))                                               \
  REQUIRED(const char*, aclmdlGetInputNameByIndex, (const void* description, size_t index))                \
  REQUIRED(const char*, aclmdlGetOutputNameByIndex, (const void* description, size_t index))               \
  REQUIRED(size_t, aclmdlGetInputSizeByIndex, (void* description, size_t index))                           \
  REQUIRED(size_t, aclmdlGetOutputSizeByIndex, (void* description, size_t index))                          \
  REQUIRED(int, aclmdlGetInputDataType, (const void* description, size_t index))                           \
  REQUIRED(int, aclmdlGetOutputDataType, (const void* description, size_t index))                          \
  REQUIRED(int, aclmdlGetInputDims, (const void* description, size_t index, AclDims* dims))                \
  REQUIRED(int, aclmdlGetOutputDims, (const void* description, size_t index, AclDims* dims))               \
  REQUIRED(int, aclmdlGetCurOutputDims, (const void* description, size_t index, AclDims* dims))            \
  REQUIRED(int, aclmdlGetInputIndexByName, (const void* description, const char* name, size_t* index))     \
  REQUIRED(int, aclmdlGetInputDynamicGearCount, (const void* description, size_t index, size_t* count))    \
  REQUIRED(int, aclmdlGetInputDynamicDims, (const void* description, size_t index, AclDims* gears, size_t count)) \
  REQUIRED(int, aclmdlSetInputDynamicDims, (uint32_t model, void* dataset, size_t index, const AclDims* dims)) \
  REQUIRED(void*, aclmdlCreateDataset, (void))                                                             \
  REQUIRED(int, aclmdlDestroyDataset, (const void* dataset))                                               \
  REQUIRED(int, aclmdlAddDatasetBuffer, (void* dataset, void* buffer))                                     \
  REQUIRED(int, aclmdlExecuteAsync, (uint32_t model, const void* inputs, void* outputs, void* stream))

/** The functions, as found; optional ones may be NULL. */
typedef struct {
#define MEMBER(result, name, parameters) result(*name) parameters;
  ACL_FUNCTIONS(MEMBER, MEMBER)
#undef MEMBER
} Acl;
