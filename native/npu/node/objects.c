// Objects are recognised by a tag, so that a method cannot be called on a stranger.

#include "objects.h"

napi_value makeHolder(napi_env env, const Class* class, void* held) {
  const napi_value object = makeObject(env);
  napi_define_properties(env, object, class->numMethods, class->methods);
  napi_type_tag_object(env, object, &class->tag);
  napi_wrap(env, object, held, class->collect, NULL, NULL);
  return object;
}

bool readMethod(napi_env env, napi_callback_info info, const Class* class, Method* method) {
  size_t count = 1;
  bool isOne = false;
  napi_get_cb_info(env, info, &count, &method->options, &method->self, NULL);
  if (napi_check_object_type_tag(env, method->self, &class->tag, &isOne) != napi_ok || !isOne) {
    return throwTypeError(env, "This is not %s.", class->name);
  }
  return napi_unwrap(env, method->self, &method->held) == napi_ok;
}

napi_value referenced(napi_env env, napi_ref reference) {
  napi_value value = NULL;
  if (reference != NULL) napi_get_reference_value(env, reference, &value);
  return value;
}
