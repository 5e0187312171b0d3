// npm start and the other scripts that a user may run first begin here. This file runs on any Node, so that it can say in one
// sentence why the rest does not.
// It is CommonJS in old syntax on purpose.
'use strict';
var fs = require('fs');
var path = require('path');

/**
 * What this file starts. npm keeps the flags of a program for itself when `--` is missing. `--yes` is not among them, because it is
 * also a setting of npm, which a machine may have turned on permanently. Without it, npm start asks.
 */
var PROGRAMS = {
  start: {
    file: 'start.ts',
    command: 'npm start',
    flags: ['kubeconfig', 'context', 'data', 'port', 'page', 'otlp', 'json'],
  },
  kubectl: { file: 'kubectl.ts', command: 'npm run kubectl', flags: ['kubeconfig', 'context', 'namespace'] },
  website: { file: 'website.ts', command: 'npm run website', flags: ['kubeconfig', 'context', 'namespace'] },
  'start:functions': { file: '../../functions/node.ts', command: 'npm run start:functions', flags: [] },
  'start:forwarder': {
    file: '../forwarder/main.ts',
    command: 'npm run start:forwarder',
    flags: ['sink', 'kubeconfig', 'context', 'mode', 'port'],
  },
};

/**
 * Why the program cannot run, as one sentence, or undefined.
 * `here` describes the start: `program` and its `args`, the project's `root` folder, `platform`, the `version` of Node, and the
 * `environment`. `program` is undefined for a script that needs only the dependencies.
 */
function problem(here) {
  if (here.platform === 'win32' && (here.program === 'start' || here.program === 'kubectl'))
    return 'Windows cannot run the control plane: use WSL (https://learn.microsoft.com/windows/wsl/install).';
  return problemOfModules(here.root) || problemOfNode(here) || problemOfFlags(here);
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
    return found + ': use npm start, npm run kubectl and npm run website, which use the Node in node_modules.';
  return (
    found + ', and npm ran no install script for the one in node_modules: run npm rebuild node --ignore-scripts=false.'
  );
}

function isAtLeast(version, needed) {
  var have = version.split('.').map(Number);
  var want = needed.split('.').map(Number);
  return have[0] > want[0] || (have[0] === want[0] && have[1] >= (want[1] || 0));
}

/**
 * npm keeps a flag that stands before `--`, and passes it on as a variable. A setting of npm sets the same variable, so a flag that
 * also stands after `--` is no mistake.
 */
function problemOfFlags(here) {
  var program = PROGRAMS[here.program];
  if (program === undefined) return undefined;
  var flag = program.flags.find(function (name) {
    var isGiven = here.args.some(function (arg) {
      return arg.split('=')[0] === '--' + name;
    });
    return !isGiven && (here.environment['npm_config_' + name] || '') !== '';
  });
  var command = program.command;
  return (
    flag && 'npm kept --' + flag + ' for itself: write ' + command + ' -- --' + flag + ', with -- before all flags.'
  );
}

/** Runs the program that the first argument names, with the other arguments. Without arguments, it only checks. */
function main() {
  var root = path.join(__dirname, '..', '..');
  var name = process.argv[2];
  var found = problem({
    program: name,
    args: process.argv.slice(3),
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
  if (name === undefined) return;
  var file = path.join(__dirname, PROGRAMS[name].file);
  process.argv.splice(1, 2, file);
  import(require('url').pathToFileURL(file).href).catch(function (error) {
    process.stderr.write(String((error && error.stack) || error) + '\n');
    process.exitCode = 1;
  });
}

module.exports = { problem: problem };
if (require.main === module) main();
