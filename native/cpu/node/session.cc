// Handles as objects that own a share of their session.

#include "session.h"

#include "../failure.h"

namespace {

/** Marks our handles, so that no other object is taken for one. */
constexpr napi_type_tag kHandleTag = {0x9c1d6d3ab2f04e57, 0xa3d8e60f5b1749c2};

/** What a handle points to; empty when closed. */
struct Held {
  std::shared_ptr<Session> session;

  ~Held() { close(); }
  void close() {
    if (session) session->close();
    session = nullptr;
  }
};

void collect(napi_env, void* held, void*) { delete static_cast<Held*>(held); }

Held& heldBy(napi_env env, napi_value handle) {
  bool isHandle = false;
  napi_valuetype type;
  check(env, napi_typeof(env, handle, &type));
  if (type == napi_object) check(env, napi_check_object_type_tag(env, handle, &kHandleTag, &isHandle));
  if (!isHandle) throw Failure(kInputInvalid, "The handle is not one that load() gave.");
  void* held;
  check(env, napi_unwrap(env, handle, &held));
  return *static_cast<Held*>(held);
}

}  // namespace

napi_value Session::makeHandle(napi_env env, const std::shared_ptr<Session>& session) {
  napi_value handle;
  check(env, napi_create_object(env, &handle));
  check(env, napi_type_tag_object(env, handle, &kHandleTag));
  const std::string& warning = session->executor().warning();
  if (!warning.empty()) set(env, handle, "warning", makeText(env, warning));
  auto held = std::make_unique<Held>();
  check(env, napi_wrap(env, handle, held.get(), collect, nullptr, nullptr));
  held.release()->session = session;
  return handle;
}

std::shared_ptr<Session> Session::ofHandle(napi_env env, napi_value handle) {
  const Held& held = heldBy(env, handle);
  if (!held.session) throw Failure(kClosed, "The device was closed.");
  return held.session;
}

void Session::closeHandle(napi_env env, napi_value handle) { heldBy(env, handle).close(); }

void Session::release(napi_env env) {
  deleteReferences(env, arrays_);
  arrays_.clear();
}

void deleteReferences(napi_env env, const std::vector<napi_ref>& references) {
  for (const napi_ref reference : references) napi_delete_reference(env, reference);
}
