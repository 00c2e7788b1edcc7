/**
 * Who runs the commands of each block that the documents show: a test, which takes them from the page, or nobody, and why.
 * commands.test.ts holds both ends to it.
 */

/** By page and heading, the path of a test file. */
export const BY: Readonly<Record<string, string>> = {
  'README.md#use': 'docs/host',
  'docs/cli.md#which-daemon': 'systemd/pages',
  'docs/cli.md#which-buffers': 'docs/host',
  'docs/cli.md#completion': 'docs/host',
  'docs/clients.md#the-protocol-itself-and-other-languages': 'docs/host',
  'docs/configuration.md#': 'systemd/pages',
  'docs/configuration.md#rest-over-tcp': 'systemd/pages',
  'docs/configuration.md#the-pool': 'systemd/pages',
  'docs/configuration.md#devices-placement-dry-runs': 'systemd/pages',
  'docs/containers.md#': 'systemd/containers',
  'docs/containers.md#as-root': 'systemd/containers',
  'docs/containers.md#what-is-seen-and-charged': 'systemd/containers',
  'docs/containers.md#a-daemon-of-ones-own': 'systemd/containers',
  'docs/containers.md#flatpak': 'systemd/flatpak',
  'docs/first-fd.md#c': 'bindings/first-fd',
  'docs/first-fd.md#python': 'bindings/clients.guest',
  'docs/first-fd.md#rust': 'bindings/rust',
  'docs/first-fd.md#typescript': 'bindings/first-fd',
  'docs/gstreamer.md#frames-into-pipelines': 'unixfd/gstreamer.guest',
  'docs/gstreamer.md#from-one-pipeline-to-others': 'unixfd/gstreamer.guest',
  'docs/gstreamer.md#to-a-file-or-to-another-program': 'unixfd/gstreamer.guest',
  'docs/gstreamer.md#frames-that-a-program-draws': 'unixfd/gstreamer.guest',
  'docs/heaps.md#': 'heaps/programs.guest',
  'docs/heaps.md#what-was-tried': 'heaps/programs.guest',
  'docs/install.md#': 'systemd/pages',
  'docs/install.md#from-source': 'systemd/pages',
  'docs/install.md#for-one-user': 'systemd/pages',
  'docs/lasting-memory.md#': 'docs/host',
  'docs/metrics.md#': 'systemd/pages',
  'docs/metrics.md#prometheus-alerts-a-dashboard': 'systemd/pages',
  'docs/quotas.md#': 'systemd/pages',
  'docs/quotas.md#setting': 'systemd/pages',
  'docs/rest.md#asking': 'server/http/docs',
  'docs/rest.md#lists': 'server/http/docs',
  'docs/rest.md#allocating': 'server/http/docs',
  'docs/rest.md#changing-and-asking-again': 'server/http/docs',
  'docs/rest.md#errors': 'server/http/docs',
  'docs/restart.md#what-you-do': 'systemd/pages',
  'docs/trouble.md#': 'systemd/pages',
  'docs/trouble.md#a-lost-device': 'systemd/pages',
  'docs/trouble.md#udmabuf': 'systemd/pages',
  'docs/vulkan.md#a-lost-device': 'docs/host',
};

/** What no test runs, and why; the programs and scripts that it names are there all the same. */
export const BY_NOBODY: Readonly<Record<string, string>> = {
  'README.md#install': 'its lines are those of docs/install.md and docs/configuration.md',
  'README.md#try-it-without-installing': 'it installs Debian packages; the gate does what it does',
  'CONTRIBUTING.md#build-and-test': 'this is the gate itself',
  'CONTRIBUTING.md#fuzzing': 'the gate runs the same targets, shorter',
  'docs/cuda.md#one-memory-both-kinds':
    'it takes a GPU; server/cuda asks for the same of the double',
  'docs/hardware.md#': 'it takes a GPU',
  'docs/performance.md#': 'measuring takes a quiet machine; bench/ is compiled with all the rest',
  'docs/rest.md#events': 'the answer is shown with it, and never ends; server/events has it',
  'docs/vulkan.md#struct-layouts': 'scripts/generate.sh, whose results are compared by the gate',
};
