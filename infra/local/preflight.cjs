// npm start and npm run kubectl begin here. This file runs on any Node, so that it can say in one sentence why the rest does not.
// It is CommonJS in old syntax on purpose.
'use strict';
var fs = require('fs');
var path = require('path');

/** Flags that npm keeps for itself when `--` is missing. */
var FLAGS = ['kubeconfig', 'context', 'data', 'port', 'json'];

/**
 * Why the programs cannot run, as one sentence, or undefined.
 * `here` has the root folder of the project, `platform`, the `version` of Node and the `environment`.
 */
function problem(here) {
  if (here.platform === 'win32')
    return 'Windows cannot run the control plane: use WSL (https://learn.microsoft.com/windows/wsl/install).';
  return problemOfModules(here.root) || problemOfNode(here) || problemOfFlags(here.environment);
}

/** Compares what is installed with the lockfile. */
function problemOfModules(root) {
  var installed = packagesIn(path.join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'The dependencies are not installed: run npm ci.';
  var locked = packagesIn(path.join(root, 'package-lock.json')) || {};
  var top = locked[''] || {};
  var names = Object.keys(Object.assign({}, top.dependencies, top.devDependencies));
  var stale = names.filter(function (name) {
    var key = 'node_modules/' + name;
    return locked[key] !== undefined && (installed[key] || {}).version !== locked[key].version;
  });
  if (stale.length > 0) return 'The dependencies have changed (' + stale[0] + '): run npm ci.';
  return undefined;
}

function packagesIn(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function problemOfNode(here) {
  var needed = JSON.parse(fs.readFileSync(path.join(here.root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  if (isAtLeast(here.version, needed)) return undefined;
  var found = 'Node ' + here.version + ' is too old (' + needed + ' is needed)';
  if (fs.existsSync(path.join(here.root, 'node_modules', 'node', 'bin', 'node')))
    return found + ': use npm start and npm run kubectl, which use the Node in node_modules.';
  return (
    found + ', and npm ran no install script for the one in node_modules: run npm rebuild node --ignore-scripts=false.'
  );
}

function isAtLeast(version, needed) {
  var have = version.split('.').map(Number);
  var want = needed.split('.').map(Number);
  return have[0] > want[0] || (have[0] === want[0] && have[1] >= (want[1] || 0));
}

function problemOfFlags(environment) {
  var flag = FLAGS.find(function (name) {
    return (environment['npm_config_' + name] || '') !== '';
  });
  return flag && 'npm kept --' + flag + ' for itself: write npm start -- --' + flag + ', with -- before all flags.';
}

/** Runs the TypeScript file that the first argument names, with the other arguments. */
function main() {
  var root = path.join(__dirname, '..', '..');
  var found = problem({
    root: root,
    platform: process.platform,
    version: process.versions.node,
    environment: process.env,
  });
  if (found !== undefined) {
    process.stderr.write(found + '\n');
    process.exitCode = 1;
    return;
  }
  var file = path.join(__dirname, process.argv[2] + '.ts');
  process.argv.splice(1, 2, file);
  import(require('url').pathToFileURL(file).href).catch(function (error) {
    process.stderr.write(String((error && error.stack) || error) + '\n');
    process.exitCode = 1;
  });
}

module.exports = { problem: problem };
if (require.main === module) main();
