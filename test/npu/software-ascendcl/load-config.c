// Loading a model with its weights beside it.

#include "software.h"

typedef struct {
  Object object;
  size_t type;
  const char* path;
  const char* weightDir;
} LoadConfig;

void* aclmdlCreateConfigHandle(void) {
  if (enter("aclmdlCreateConfigHandle") != 0) return leave(0), NULL;
  const Context* const context = useContext();
  LoadConfig* const config = makeObject(kLoadConfig, context == NULL ? 0 : context->object.device, sizeof *config);
  leave(0);
  return config;
}

int aclmdlDestroyConfigHandle(void* handle) {
  const int code = enter("aclmdlDestroyConfigHandle");
  LoadConfig* const config = useObject(kLoadConfig, handle);
  if (config == NULL) return leave(100000);
  destroyObject(config);
  return leave(code);
}

int aclmdlSetConfigOpt(void* handle, int attribute, const void* value, size_t bytes) {
  const int code = enter("aclmdlSetConfigOpt");
  LoadConfig* const config = code == 0 ? useObject(kLoadConfig, handle) : NULL;
  if (config == NULL) return leave(code == 0 ? 100000 : code);
  if (bytes != sizeof(void*)) return leave(forbid(100000, "%zu bytes for attribute %d", bytes, attribute));
  switch (attribute) {
    case kAclLoadType:
      config->type = *(const size_t*)value;
      return leave(0);
    case kAclModelPath:
      config->path = *(const char* const*)value;
      return leave(0);
    case kAclWeightPath:
      config->weightDir = *(const char* const*)value;
      return leave(0);
    default:
      return leave(forbid(100000, "attribute %d is not expected here", attribute));
  }
}

int aclmdlLoadWithConfig(const void* handle, uint32_t* id) {
  const int code = enter("aclmdlLoadWithConfig");
  const LoadConfig* const config = code == 0 ? useObject(kLoadConfig, handle) : NULL;
  if (config == NULL) return leave(code == 0 ? 100000 : code);
  if (config->type != kAclLoadFromFile || config->path == NULL) return leave(forbid(100000, "neither a file nor its type"));
  return leave(loadOm(config->path, config->weightDir, id));
}
