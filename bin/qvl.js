#!/usr/bin/env node
// Checks the Node version, in words that old versions can read, and hands over to dist/cli/main.js.

var version = process.versions.node.split('.').map(Number)
var isNewEnough = version[0] > 20 || (version[0] === 20 && version[1] >= 19)

if (isNewEnough) {
  import('../dist/cli/main.js').then(
    (main) => main.run(),
    (error) => {
      var isMissing = /^Cannot find module '[^']*dist[\\/]cli[\\/]main\.js'/.test(error.message)
      if (!isMissing) throw error
      process.stderr.write(
        'error[INTERNAL] The built files of qvl are missing.\n' +
          '  A clone holds TypeScript sources; dist/ is made from them.\n' +
          '  Run: npm run build\n',
      )
      process.exitCode = 1
    },
  )
} else {
  process.stderr.write(
    'error[USAGE] qvl does not run on Node ' +
      process.versions.node +
      '.\n  It needs Node 20.19 or later.\n  Install a newer Node from https://nodejs.org and run the command again.\n',
  )
  process.exitCode = 2
}
