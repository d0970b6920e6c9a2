// @ts-check
/**
 * Decides what to do when no WebGPU adapter answers: install Mesa's software Vulkan driver (lavapipe), or tell the user
 * what to install. A pure function of facts, so that every system can be tested on any machine.
 */

import { backportsFile, findArchive, listsBackports } from './apt-sources.mjs';

/** @typedef {import('./os-release.mjs').System} System */
/** @typedef {import('./apt-sources.mjs').AptSource} AptSource */

/**
 * @typedef {object} Facts
 * @property {System} system
 * @property {boolean} root may this process install packages?
 * @property {boolean} aptGet is apt-get there?
 * @property {readonly AptSource[]} sources
 * @property {string | undefined} driverVariable a `NAME=value` that limits the Vulkan loader to the named drivers
 */

/**
 * @typedef {object} InstallPlan
 * @property {'install'} kind
 * @property {string} why one line for the user
 * @property {{ path: string, text: string } | undefined} listFile apt source to add first
 * @property {string[]} install the apt-get arguments
 *
 * @typedef {object} AdvicePlan
 * @property {'advise'} kind
 * @property {string[]} lines
 *
 * @typedef {InstallPlan | AdvicePlan} Plan
 */

const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];
const INSTALL = ['install', '-y', '--no-install-recommends'];

/** Releases whose Mesa version WebGPU refuses and that offer no newer one. */
const TOO_OLD = new Set(['stretch', 'buster', 'bullseye', 'xenial', 'bionic', 'focal']);

/** Debian 12's own Mesa (22.3) lacks shader*ArrayDynamicIndexing, which Dawn requires; its backports have it. */
const NEEDS_BACKPORTS = new Set(['bookworm']);

/**
 * @param {Facts} facts
 * @returns {Plan}
 */
export function planDriver(facts) {
  const { system } = facts;
  if (facts.driverVariable) {
    return advise([
      `${facts.driverVariable} makes the Vulkan loader ignore every driver but that one, so installing another would not help.`,
      'Unset it, or point it at the manifest of a working driver (on Debian: /usr/share/vulkan/icd.d/lvp_icd.json).',
    ]);
  }
  if (system.family !== 'debian' && system.family !== 'ubuntu') return advise(otherSystem(system));
  if (TOO_OLD.has(system.codename)) {
    return advise([
      `${system.name} offers only a Mesa version that WebGPU refuses.`,
      'Use Debian 12 or Ubuntu 22.04, or anything newer (a container will do), or install the Vulkan driver of your GPU.',
    ]);
  }
  if (!facts.aptGet)
    return advise([`${system.name}: apt-get was not found. Install ${PACKAGES.join(' and ')} by hand.`]);

  const plan = aptPlan(facts);
  return plan.kind === 'install' && !facts.root ? advise(asRoot(facts, plan)) : plan;
}

/**
 * @param {Facts} facts
 * @returns {Plan}
 */
function aptPlan({ system, sources }) {
  const why = `no WebGPU adapter answers; installing Mesa's software Vulkan driver (${PACKAGES.join(', ')})`;
  if (!NEEDS_BACKPORTS.has(system.codename)) {
    return { kind: 'install', why, listFile: undefined, install: [...INSTALL, ...PACKAGES] };
  }
  const suite = `${system.codename}-backports`;
  const install = [...INSTALL, '-t', suite, ...PACKAGES];
  const whyBackports = `${why} from ${suite}, because WebGPU refuses the older Mesa of ${system.name}`;
  if (listsBackports(sources, system.codename))
    return { kind: 'install', why: whyBackports, listFile: undefined, install };
  const archive = findArchive(sources, system.codename);
  if (!archive) {
    return advise([
      `${system.name}: the driver comes from ${suite}, but apt's lists name no mirror of ${system.codename}.`,
      `Add the suite ${suite} of your Debian mirror to /etc/apt/sources.list.d, then run:`,
      `  apt-get update && apt-get ${install.join(' ')}`,
    ]);
  }
  return { kind: 'install', why: whyBackports, listFile: backportsFile(archive, system.codename), install };
}

/**
 * The lines for a user who has to act: advice unchanged, an installation as commands for root to type.
 * @param {System} system
 * @param {Plan} plan
 * @returns {string[]}
 */
export function adviceLines(system, plan) {
  if (plan.kind === 'advise') return plan.lines;
  return [`${system.name}: Mesa's software Vulkan driver will do. Run:`, ...commands(plan, '')];
}

/**
 * @param {Facts} facts
 * @param {InstallPlan} plan
 * @returns {string[]}
 */
function asRoot({ system }, plan) {
  return [
    `${system.name}: Mesa's software Vulkan driver would do, but only root may install it. Run:`,
    ...commands(plan, 'sudo '),
  ];
}

/**
 * @param {InstallPlan} plan
 * @param {string} sudo prefix of each command
 * @returns {string[]}
 */
function commands({ listFile, install }, sudo) {
  return [
    ...(listFile ? [`${sudo}tee ${listFile.path} <<'END'`, ...listFile.text.trimEnd().split('\n'), 'END'] : []),
    `${sudo}apt-get update && ${sudo}apt-get ${install.join(' ')}`,
  ];
}

/**
 * @param {System} system
 * @returns {string[]}
 */
function otherSystem(system) {
  switch (system.family) {
    case 'fedora':
      return [
        `${system.name}: install the software Vulkan driver (or your GPU's own), then run this again:`,
        'sudo dnf install mesa-vulkan-drivers vulkan-loader',
      ];
    case 'arch':
      return [
        `${system.name}: install the software Vulkan driver (or your GPU's own), then run this again:`,
        'sudo pacman -S --needed vulkan-swrast vulkan-icd-loader',
      ];
    case 'alpine':
      return [
        `${system.name}: the webgpu package is built for glibc and does not load on musl.`,
        'Use a Debian or Ubuntu image instead; there the driver is installed automatically.',
      ];
    case 'macos':
      return [
        'macOS: WebGPU runs on Metal, which every Mac of the last ten years has, though not every virtual machine.',
        'Run it on the machine itself, or in a Linux container.',
      ];
    case 'windows':
      return [
        'Windows: WebGPU runs on Direct3D 12. Install the current GPU driver, and run in a session with a display.',
        'WSL with Debian or Ubuntu works too: there the software driver is installed automatically.',
      ];
    default:
      return [
        `${system.name}: install the Vulkan loader and a Vulkan 1.3 driver: Mesa's lavapipe 23.1 or newer, or your GPU's own.`,
      ];
  }
}

/**
 * @param {string[]} lines
 * @returns {AdvicePlan}
 */
function advise(lines) {
  return { kind: 'advise', lines };
}

/**
 * The plan in words, for --dry-run.
 * @param {Plan} plan
 * @returns {string[]}
 */
export function describePlan(plan) {
  if (plan.kind === 'advise') return ['would stop and say:', ...plan.lines.map((line) => `  ${line}`)];
  const file = plan.listFile;
  return [
    plan.why,
    ...(file
      ? [
          `would write ${file.path}:`,
          ...file.text
            .trimEnd()
            .split('\n')
            .map((line) => `  ${line}`),
        ]
      : []),
    'would run: apt-get update',
    `would run: apt-get ${plan.install.join(' ')}`,
  ];
}
