// How the stand-in for atc says no: some lines like the real one's, and a status.

/** @returns {never} */
export function refuse(/** @type {string} */ why) {
  console.log('ATC start working now, please wait for a moment.')
  console.log("ATC run failed, Please check the detail log, Try 'atc --help' for more information")
  console.error(`E10001: ${why}`)
  process.exit(255)
}
