// JavaScript objects that hold something of ours, and their methods.
#pragma once

#include "values.h"

typedef struct {
  /** For errors: a device. */
  const char* name;
  napi_type_tag tag;
  const napi_property_descriptor* methods;
  size_t numMethods;
  /** When the object is collected. */
  napi_finalize collect;
} Class;

/** What a method was called with. */
typedef struct {
  /** What the object holds. */
  void* held;
  napi_value self;
  /** The first argument; undefined where there is none. */
  napi_value options;
} Method;

#define METHOD(text, function) {.utf8name = text, .method = function, .attributes = napi_enumerable}

/** An object that holds `held`. */
napi_value makeHolder(napi_env env, const Class* class, void* held);

/** False, with a TypeError thrown, when it was called on something else. */
bool readMethod(napi_env env, napi_callback_info info, const Class* class, Method* method);

/** The value behind the reference; NULL when that is NULL. */
napi_value referenced(napi_env env, napi_ref reference);
