// Why: one place knows how QEMU is told to be our guest. It owns the command line.
import { cameraArguments } from './camera.js';
import {
  CAMERA_DESCRIPTORS,
  FIRST_DESCRIPTOR,
  type Host,
  type MachineOptions,
  PORTS,
} from './machine.js';
import { repositoryRoot } from './paths.js';

/**
 * Everything that TCG can do, but not `erms`: it says that `rep movsb` is fast, so that the kernel and
 * glibc copy and clear with it, where TCG moves a single byte at a time.
 */
const TCG_CPU = 'max,erms=off';

export function qemuCommand(
  { image, kind }: Extract<Host, { kind: 'kvm' | 'tcg' }>,
  { memoryMegabytes, systemd, cpus, display }: MachineOptions,
): string[] {
  const ports = PORTS.flatMap((name, index) => {
    const chardev = ['-chardev', `socket,id=${name},fd=${FIRST_DESCRIPTOR + index}`];
    if (name === 'console') return [...chardev, '-serial', `chardev:${name}`];
    return [...chardev, '-device', `virtserialport,chardev=${name},name=dmabroker.${name}`];
  });
  return [
    'qemu-system-x86_64',
    // No device that is not used: each costs the kernel time to find.
    ...['-machine', 'q35,sata=off,smbus=off,usb=off,vmport=off,hpet=off'],
    ...['-accel', kind === 'tcg' ? 'tcg,thread=multi' : 'kvm'],
    ...['-cpu', kind === 'tcg' ? TCG_CPU : 'host'],
    ...['-smp', String(cpus), '-m', String(memoryMegabytes)],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-kernel', image.kernel, '-initrd', image.initramfs],
    ...['-append', kernelArguments(systemd)],
    ...['-drive', `if=none,id=root,format=raw,readonly=on,file=${escaped(image.root)}`],
    ...['-device', 'virtio-blk-pci,drive=root'],
    '-fsdev',
    `local,id=checkout,path=${escaped(repositoryRoot())},security_model=none,readonly=on,multidevs=remap`,
    ...['-device', 'virtio-9p-pci,fsdev=checkout,mount_tag=checkout'],
    ...['-device', 'virtio-serial-pci,max_ports=8', ...ports],
    ...(display ? cameraArguments(CAMERA_DESCRIPTORS) : []),
  ];
}

function kernelArguments(systemd: boolean): string {
  return [
    'console=ttyS0 quiet panic=-1',
    // The second CPU stays off while the kernel patches its own code, until boot.sh starts it: under
    // TCG another CPU may meet the patch half done, and about one boot in twelve died (int3).
    // lpj, from a TSC of 4 GHz: no calibration then, and delays are only ever too long.
    'maxcpus=1 noreplace-smp lpj=16000000 tsc=reliable',
    // What only costs time under TCG: self tests of ciphers, the key that checks the modules.
    'cryptomgr.notests initcall_blacklist=load_system_certificate_list nokaslr mitigations=off',
    ...(systemd
      ? [
          'dmabroker.systemd systemd.show_status=1 systemd.getty_auto=0 systemd.unit=multi-user.target',
        ]
      : []),
  ].join(' ');
}

/** QEMU doubles a comma that belongs to a value. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}
