/** Owns the unit of the machine's service (systemd.exec(5)), and how the service is run where there is no systemd. */
import { stamped } from "../stamp.ts";
import { restrictions, startLines, unitText } from "../units.ts";
import { accountName, programLink, runFolder, spoolFolder, stateFolder } from "./places.ts";

const program = `${programLink}/bin/session-buddy`;
/** Where it answers is a setting, so that clients find it too. */
const flags = ["--spool", spoolFolder];

/**
 * The service sees the processes of all users, since it proves by them which shells are alive (`ProtectProc=`, `ProcSubset=`,
 * `PrivateUsers=` and `PrivateNetwork=` stay as they are), and may write to its own folders and the spool alone.
 */
export function machineUnit(): string {
  return stamped(
    unitText([
      "# Made by 'session-buddy install --system'. Change it with 'systemctl edit session-buddy'.",
      "[Unit]",
      "Description=session-buddy: record of who has a shell open on this machine",
      "",
      "[Service]",
      ...startLines({ program, flags }),
      "# Running calls are answered first; a server that still has not ended is killed after this time.",
      "TimeoutStopSec=30",
      `User=${accountName}`,
      `Group=${accountName}`,
      "StateDirectory=session-buddy",
      "StateDirectoryMode=0700",
      "RuntimeDirectory=session-buddy",
      "RuntimeDirectoryMode=0755",
      "Environment=SESSION_BUDDY_HOME=%S/session-buddy",
      "UMask=0077",
      "ProtectSystem=strict",
      `ReadWritePaths=${spoolFolder}`,
      "ProtectHome=read-only",
      "PrivateTmp=yes",
      "PrivateDevices=yes",
      "PrivateMounts=yes",
      "CapabilityBoundingSet=",
      "NoNewPrivileges=yes",
      "KeyringMode=private",
      "RemoveIPC=yes",
      "ProtectClock=yes",
      "ProtectControlGroups=yes",
      "ProtectHostname=yes",
      "ProtectKernelLogs=yes",
      "ProtectKernelModules=yes",
      "ProtectKernelTunables=yes",
      "# It talks to programs of this machine alone.",
      "IPAddressDeny=any",
      "IPAddressAllow=localhost",
      ...restrictions,
      "SystemCallFilter=~@privileged @resources",
      "",
      "[Install]",
      "WantedBy=multi-user.target",
    ]),
  );
}

/** One line of a shell of root's, for another service manager or a container. */
export function serviceByHand(): string {
  const owner = `-o ${accountName} -g ${accountName}`;
  const service = ["exec", program, "serve", ...flags].join(" ");
  return `install -d ${owner} -m 0755 ${runFolder} && SESSION_BUDDY_HOME=${stateFolder} su -s /bin/sh ${accountName} -c '${service}'`;
}
