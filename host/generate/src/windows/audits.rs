//! What the machines of a domain audit: logons, tickets, credential checks and access to the directory.

use super::Audit;
use crate::estate::domain::{DNS, Domain, Machine, NETBIOS, Principal};
use crate::json::Json;
use crate::random::Random;

/// AES-256, as tickets are encrypted today.
pub(crate) const AES256: &str = "0x12";
/// RC4, which can be cracked at home.
pub(crate) const RC4: &str = "0x17";

/// What replicates a directory's secrets: Get-Changes and Get-Changes-All.
const REPLICATION: [&str; 2] = ["{1131f6aa-9c07-11d1-f79f-00c04fc2dcd2}", "{1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}"];

/// The class of the directory's root, which the rights are asked of.
const DOMAIN_CLASS: &str = "{19195a5b-6da0-11d0-afd3-00c04fd930c9}";

/// A logon session's id.
pub(crate) fn session(random: &mut Random) -> String {
    format!("0x{}", random.hex("", 7).trim_start_matches('0'))
}

/// A logon at a machine, over the network (3) or at the machine itself (2).
pub(crate) fn logon(at: &Machine, who: &Principal, kind: i64, from: &Machine, session: &str) -> Audit {
    logon_from(at, who, kind, &from.address, session).with("WorkstationName", Json::from(&from.name))
}

fn logon_from(at: &Machine, who: &Principal, kind: i64, address: &str, session: &str) -> Audit {
    Audit::new(4624, "Logon", at)
        .with("SubjectUserSid", if kind == 3 { "S-1-0-0" } else { "S-1-5-18" })
        .with("SubjectUserName", if kind == 3 { Json::from("-") } else { Json::from(&at.account.name) })
        .with("SubjectDomainName", if kind == 3 { "-" } else { NETBIOS })
        .with("SubjectLogonId", if kind == 3 { "0x0" } else { "0x3e7" })
        .with("TargetUserSid", &who.sid)
        .with("TargetUserName", &who.name)
        .with("TargetDomainName", NETBIOS)
        .with("TargetLogonId", session.to_owned())
        .with("LogonType", kind.to_string())
        .with("LogonProcessName", if kind == 3 { "Kerberos" } else { "User32 " })
        .with("AuthenticationPackageName", if kind == 3 { "Kerberos" } else { "Negotiate" })
        .with("IpAddress", if kind == 3 { address.to_owned() } else { "127.0.0.1".to_owned() })
        .with("IpPort", "0")
}

/// The session has the rights of an administrator.
pub(crate) fn special(at: &Machine, who: &Principal, session: &str) -> Audit {
    Audit::new(4672, "Special Logon", at)
        .with("SubjectUserSid", &who.sid)
        .with("SubjectUserName", &who.name)
        .with("SubjectDomainName", NETBIOS)
        .with("SubjectLogonId", session.to_owned())
        .with("PrivilegeList", "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeDebugPrivilege")
}

/// The session ended.
pub(crate) fn logoff(at: &Machine, who: &Principal, kind: i64, session: &str) -> Audit {
    Audit::new(4634, "Logoff", at)
        .with("TargetUserSid", &who.sid)
        .with("TargetUserName", &who.name)
        .with("TargetDomainName", NETBIOS)
        .with("TargetLogonId", session.to_owned())
        .with("LogonType", kind.to_string())
}

/// A wrong password, typed at a machine or sent over the network: the record has no SID.
pub(crate) fn wrong_password(at: &Machine, name: &str, kind: i64, address: &str) -> Audit {
    Audit::new(4625, "Logon", at)
        .failed()
        .with("SubjectUserSid", "S-1-0-0")
        .with("SubjectUserName", "-")
        .with("SubjectDomainName", "-")
        .with("SubjectLogonId", "0x0")
        .with("TargetUserSid", "S-1-0-0")
        .with("TargetUserName", name.to_owned())
        .with("TargetDomainName", NETBIOS)
        .with("Status", "0xc000006d")
        .with("FailureReason", "%%2313")
        .with("SubStatus", "0xc000006a")
        .with("LogonType", kind.to_string())
        .with("LogonProcessName", "NtLmSsp ")
        .with("AuthenticationPackageName", "NTLM")
        .with("WorkstationName", "-")
        .with("IpAddress", address.to_owned())
        .with("IpPort", "0")
}

/// A ticket-granting ticket; `pre_authentication` is 2 for a password's timestamp, 0 for none.
pub(crate) fn ticket(
    controller: &Machine,
    who: &Principal,
    domain: &Domain,
    address: &str,
    encryption: &'static str,
    pre_authentication: i64,
) -> Audit {
    Audit::new(4768, "Kerberos Authentication Service", controller)
        .with("TargetUserName", &who.name)
        .with("TargetDomainName", DNS.to_ascii_uppercase())
        .with("TargetSid", &who.sid)
        .with("ServiceName", "krbtgt")
        .with("ServiceSid", format!("{}-502", domain.sid))
        .with("TicketOptions", "0x40810010")
        .with("Status", "0x0")
        .with("TicketEncryptionType", encryption)
        .with("PreAuthType", pre_authentication.to_string())
        .with("IpAddress", format!("::ffff:{address}"))
        .with("IpPort", "49712")
}

/// A ticket for a service: the record names the account that asked without its SID.
pub(crate) fn service_ticket(
    controller: &Machine,
    who: &Principal,
    service: &Principal,
    address: &str,
    encryption: &'static str,
) -> Audit {
    let realm = DNS.to_ascii_uppercase();
    Audit::new(4769, "Kerberos Service Ticket Operations", controller)
        .with("TargetUserName", format!("{}@{realm}", who.name))
        .with("TargetDomainName", realm)
        .with("ServiceName", &service.name)
        .with("ServiceSid", &service.sid)
        .with("TicketOptions", "0x40810000")
        .with("TicketEncryptionType", encryption)
        .with("IpAddress", format!("::ffff:{address}"))
        .with("IpPort", "49713")
        .with("Status", "0x0")
        .with("TransmittedServices", "-")
}

/// A controller checked an NTLM credential: the record has neither SID nor address.
pub(crate) fn credential_check(controller: &Machine, name: &str, workstation: &str) -> Audit {
    Audit::new(4776, "Credential Validation", controller)
        .with("PackageName", "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0")
        .with("TargetUserName", name.to_owned())
        .with("Workstation", workstation.to_owned())
        .with("Status", "0x0")
}

/// A program used other credentials than its session's.
pub(crate) fn explicit(at: &Machine, who: &Principal, session: &str, other: &str, server: &Machine) -> Audit {
    Audit::new(4648, "Logon", at)
        .with("SubjectUserSid", &who.sid)
        .with("SubjectUserName", &who.name)
        .with("SubjectDomainName", NETBIOS)
        .with("SubjectLogonId", session.to_owned())
        .with("TargetUserName", other.to_owned())
        .with("TargetDomainName", NETBIOS)
        .with("TargetServerName", server.host())
        .with("TargetInfo", server.host())
        .with("ProcessName", "C:\\Windows\\System32\\runas.exe")
        .with("IpAddress", "-")
        .with("IpPort", "-")
}

/// The right to replicate the directory was asked for and given, once for each half of it.
pub(crate) fn replication(controller: &Machine, who: &Principal, session: &str) -> [Audit; 2] {
    REPLICATION.map(|right| {
        Audit::new(4662, "Directory Service Access", controller)
            .with("SubjectUserSid", &who.sid)
            .with("SubjectUserName", &who.name)
            .with("SubjectDomainName", NETBIOS)
            .with("SubjectLogonId", session.to_owned())
            .with("ObjectServer", "DS")
            .with("ObjectType", format!("%{DOMAIN_CLASS}"))
            .with("ObjectName", "%{5c36e1f2-7d5e-4c0b-9a31-0f6d2b1c7e44}")
            .with("OperationType", "Object Access")
            .with("HandleId", "0x0")
            .with("AccessList", "%%7688\r\n\t\t\t\t")
            .with("AccessMask", "0x100")
            .with("Properties", format!("%%7688\r\n\t\t{right}\r\n\t{DOMAIN_CLASS}\r\n"))
            .with("AdditionalInfo", "-")
    })
}

/// The federation service audits itself; these records name no account.
pub(crate) fn federation(host: &Machine, id: i64) -> Audit {
    Audit { source: "AD FS Auditing", ..Audit::new(id, "(3)", host) }
}
