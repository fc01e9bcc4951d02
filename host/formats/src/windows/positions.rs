//! The names of an event's data by position, for collectors that leave the names out: the templates of the auditing's
//! manifest, by the event's number. Later versions of an event add data at the end.

/// The subject of an act: its SID, name, domain and logon.
macro_rules! subject {
    ($($more:literal),*) => { &["SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", $($more),*] };
}

/// An account or group acted on, then the subject.
macro_rules! acted_on {
    ($($before:literal),*; $($after:literal),*) => {
        &[
            $($before,)* "TargetUserName", "TargetDomainName", "TargetSid", "SubjectUserSid", "SubjectUserName",
            "SubjectDomainName", "SubjectLogonId", $($after),*
        ]
    };
}

/// Numbers of events, and the names of their data in order.
#[rustfmt::skip]
const TEMPLATES: &[(&[u64], &[&str])] = &[
    (&[1102], subject!()),
    (&[4624], subject!("TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId", "LogonType", "LogonProcessName", "AuthenticationPackageName", "WorkstationName", "LogonGuid", "TransmittedServices", "LmPackageName", "KeyLength", "ProcessId", "ProcessName", "IpAddress", "IpPort", "ImpersonationLevel")),
    (&[4625], subject!("TargetUserSid", "TargetUserName", "TargetDomainName", "Status", "FailureReason", "SubStatus", "LogonType", "LogonProcessName", "AuthenticationPackageName", "WorkstationName", "TransmittedServices", "LmPackageName", "KeyLength", "ProcessId", "ProcessName", "IpAddress", "IpPort")),
    (&[4634], &["TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId", "LogonType"]),
    (&[4647, 4800, 4801], &["TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId"]),
    (&[4648], subject!("LogonGuid", "TargetUserName", "TargetDomainName", "TargetLogonGuid", "TargetServerName", "TargetInfo", "ProcessId", "ProcessName", "IpAddress", "IpPort")),
    (&[4656], subject!("ObjectServer", "ObjectType", "ObjectName", "HandleId", "TransactionId", "AccessList", "AccessReason", "AccessMask", "PrivilegeList")),
    (&[4661], subject!("ObjectServer", "ObjectType", "ObjectName", "HandleId", "TransactionId", "AccessList", "AccessMask", "PrivilegeList", "Properties", "RestrictedSidCount", "ProcessId", "ProcessName")),
    (&[4662], subject!("ObjectServer", "ObjectType", "ObjectName", "OperationType", "HandleId", "AccessList", "AccessMask", "Properties", "AdditionalInfo", "AdditionalInfo2")),
    (&[4663], subject!("ObjectServer", "ObjectType", "ObjectName", "HandleId", "AccessList", "AccessMask", "ProcessId", "ProcessName")),
    (&[4672], subject!("PrivilegeList")),
    (&[4673], subject!("ObjectServer", "Service", "PrivilegeList", "ProcessId", "ProcessName")),
    (&[4674], subject!("ObjectServer", "ObjectType", "ObjectName", "HandleId", "AccessMask", "PrivilegeList", "ProcessId", "ProcessName")),
    (&[4688], subject!("NewProcessId", "NewProcessName", "TokenElevationType", "ProcessId", "CommandLine")),
    (&[4697], subject!("ServiceName", "ServiceFileName", "ServiceType", "ServiceStartType", "ServiceAccount")),
    (&[4698, 4699, 4700, 4701, 4702], subject!("TaskName", "TaskContent")),
    (&[4704, 4705], subject!("TargetSid", "PrivilegeList")),
    (&[4717, 4718], subject!("TargetSid")),
    (&[4719], subject!("CategoryId", "SubcategoryId", "SubcategoryGuid", "AuditPolicyChanges")),
    (&[4720, 4723, 4726, 4727, 4730, 4731, 4734, 4735, 4737, 4741, 4743, 4744, 4745, 4748, 4749, 4750, 4753, 4754, 4755, 4758, 4759, 4760, 4763], acted_on!(; "PrivilegeList")),
    (&[4722, 4724, 4725, 4740, 4767], acted_on!(;)),
    (&[4728, 4729, 4732, 4733, 4746, 4747, 4751, 4752, 4756, 4757, 4761, 4762], acted_on!("MemberName", "MemberSid"; "PrivilegeList")),
    (&[4738], acted_on!("Dummy"; "PrivilegeList")),
    (&[4742], acted_on!("ComputerAccountChange"; "PrivilegeList")),
    (&[4764], acted_on!("GroupTypeChange"; "PrivilegeList")),
    (&[4765], acted_on!("SourceUserName", "SourceSid"; "PrivilegeList")),
    (&[4768], &["TargetUserName", "TargetDomainName", "TargetSid", "ServiceName", "ServiceSid", "TicketOptions", "Status", "TicketEncryptionType", "PreAuthType", "IpAddress", "IpPort", "CertIssuerName", "CertSerialNumber", "CertThumbprint"]),
    (&[4769], &["TargetUserName", "TargetDomainName", "ServiceName", "ServiceSid", "TicketOptions", "TicketEncryptionType", "IpAddress", "IpPort", "Status", "LogonGuid", "TransmittedServices"]),
    (&[4770], &["TargetUserName", "TargetDomainName", "ServiceName", "ServiceSid", "TicketOptions", "TicketEncryptionType", "IpAddress", "IpPort"]),
    (&[4771], &["TargetUserName", "TargetSid", "ServiceName", "TicketOptions", "Status", "PreAuthType", "IpAddress", "IpPort", "CertIssuerName", "CertSerialNumber", "CertThumbprint"]),
    (&[4776], &["PackageName", "TargetUserName", "Workstation", "Status"]),
    (&[4778, 4779], &["AccountName", "AccountDomain", "LogonID", "SessionName", "ClientName", "ClientAddress"]),
    (&[4781], &["OldTargetUserName", "NewTargetUserName", "TargetDomainName", "TargetSid", "SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "PrivilegeList"]),
    (&[5136], &["OpCorrelationID", "AppCorrelationID", "SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "DSName", "DSType", "ObjectDN", "ObjectGUID", "ObjectClass", "AttributeLDAPDisplayName", "AttributeSyntaxOID", "AttributeValue", "OperationType"]),
    (&[5137, 5141], &["OpCorrelationID", "AppCorrelationID", "SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "DSName", "DSType", "ObjectDN", "ObjectGUID", "ObjectClass"]),
    (&[5138, 5139], &["OpCorrelationID", "AppCorrelationID", "SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "DSName", "DSType", "OldObjectDN", "NewObjectDN", "ObjectGUID", "ObjectClass"]),
];

/// The names of the data of an event of the auditing with this number, in order.
pub(super) fn names(id: u64) -> Option<&'static [&'static str]> {
    TEMPLATES.iter().find(|(ids, _)| ids.contains(&id)).map(|(_, names)| *names)
}

/// The numbers whose data are known by position, for the documentation.
pub(super) fn known() -> String {
    let mut ids: Vec<u64> = TEMPLATES.iter().flat_map(|(ids, _)| *ids).copied().collect();
    ids.sort_unstable();
    ids.iter().map(u64::to_string).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::kinds::SECURITY;
    use super::*;

    #[test]
    fn every_number_has_one_template_and_nearly_every_event_of_the_table_has_one() {
        let mut ids: Vec<u64> = TEMPLATES.iter().flat_map(|(ids, _)| *ids).copied().collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        let without: Vec<u64> =
            SECURITY.iter().flat_map(|kind| kind.ids).copied().filter(|id| names(*id).is_none()).collect();
        // Events of Windows Server 2003, which no longer come.
        assert_eq!(without, [4772, 4773, 4777]);
    }
}
