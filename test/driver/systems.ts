/** /etc/os-release of the systems that set-up distinguishes, shortened to the fields that matter. */

const debian = (version: string, codename: string) =>
  `PRETTY_NAME="Debian GNU/Linux ${version} (${codename})"
NAME="Debian GNU/Linux"
VERSION_ID="${version}"
VERSION_CODENAME=${codename}
ID=debian
`;

const ubuntu = (version: string, codename: string) =>
  `PRETTY_NAME="Ubuntu ${version} LTS"
NAME="Ubuntu"
VERSION_ID="${version}"
VERSION_CODENAME=${codename}
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=${codename}
`;

export const OS_RELEASE = {
  debian11: debian('11', 'bullseye'),
  debian12: debian('12', 'bookworm'),
  debian13: debian('13', 'trixie'),
  debianSid: 'PRETTY_NAME="Debian GNU/Linux forky/sid"\nVERSION_CODENAME=forky\nID=debian\n',
  ubuntu2004: ubuntu('20.04', 'focal'),
  ubuntu2204: ubuntu('22.04', 'jammy'),
  ubuntu2404: ubuntu('24.04', 'noble'),
  mint22:
    'PRETTY_NAME="Linux Mint 22"\nID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n',
  lmde6: 'PRETTY_NAME="LMDE 6 (faye)"\nID=linuxmint\nID_LIKE=debian\nVERSION_CODENAME=faye\nDEBIAN_CODENAME=bookworm\n',
  fedora40: "NAME='Fedora Linux'\nID=fedora\nPRETTY_NAME='Fedora Linux 40 (Container Image)'\n",
  rocky9: 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9.4"\n',
  arch: 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\n',
  alpine: 'NAME="Alpine Linux"\nID=alpine\nPRETTY_NAME="Alpine Linux v3.20"\n',
  nixos: 'NAME=NixOS\nID=nixos\nPRETTY_NAME="NixOS 24.05 (Uakari)"\n',
} as const;
