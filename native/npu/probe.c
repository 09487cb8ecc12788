// Sets every device once and asks for its memory.

#include "probe.h"

#include <stdio.h>

#include "device.h"

enum { kVersionBytes = 128 };  // what the call writes at most

static void readVersion(Probe* probe, const Acl* acl) {
  char version[kVersionBytes] = "";
  char package[] = "runtime";
  if (acl->aclsysGetVersionStr == NULL || acl->aclsysGetVersionStr(package, version) != 0) return;
  snprintf(probe->version, sizeof probe->version, "%.*s", (int)sizeof probe->version - 1, version);
}

static bool probeDevice(Probe* probe, const Acl* acl, uint32_t id, Failure* failure) {
  if (!CALL(acl, failure, aclrtSetDevice, (int32_t)id)) return false;
  const bool isRead =
      readMemory(acl, &probe->devices[id].freeBytes, &probe->devices[id].totalBytes, failure);
  return CALL(acl, failure, aclrtResetDevice, (int32_t)id) && isRead;
}

bool doProbe(Probe* probe, Failure* failure) {
  probe->library = openLibrary(probe->libraryPath, failure);
  if (probe->library == NULL) return false;
  releaseAtExit();
  const Acl* const acl = &probe->library->acl;
  readVersion(probe, acl);
  if (!CALL(acl, failure, aclrtGetDeviceCount, &probe->numDevices)) return false;
  if (probe->numDevices > kMaxProbed) probe->numDevices = kMaxProbed;
  const char* const socName = acl->aclrtGetSocName();
  snprintf(probe->socName, sizeof probe->socName, "%s", socName == NULL ? "" : socName);
  for (uint32_t id = 0; id < probe->numDevices; id++) {
    if (!probeDevice(probe, acl, id, failure)) return false;
  }
  return true;
}
