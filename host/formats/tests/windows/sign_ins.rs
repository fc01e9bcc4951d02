//! Logons, logoffs, tickets and credentials.

use expect_test::expect;

use crate::{SUBJECT, check, event};

#[test]
fn who_logged_on_is_the_actor_and_the_system_is_no_part_of_it() {
    check(
        r#""EventID":4624,"Keywords":"0x8020000000000000","SubjectUserSid":"S-1-5-18","SubjectUserName":"DC1$","SubjectDomainName":"EXAMPLE","SubjectLogonId":"0x3e7",
           "TargetUserSid":"S-1-5-21-1-2-3-1104","TargetUserName":"alice","TargetDomainName":"EXAMPLE","TargetLogonId":"0x41A6996","LogonType":"2","LogonProcessName":"User32 ",
           "AuthenticationPackageName":"Negotiate","LogonGuid":"{2F6EB511-3366-b571-b482-d2d80b5eeee7}","TransmittedServices":"-","ProcessName":"C:\\Windows\\System32\\winlogon.exe",
           "WorkstationName":"DC1","IpAddress":"127.0.0.1","IpPort":"0""#,
        expect![[r#"
            authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 interactive
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
                metadata.event_code = "4624"
                metadata.correlation_uid = "2f6eb511-3366-b571-b482-d2d80b5eeee7"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                auth_protocol = "Negotiate"
                logon_type_id = Unsigned(2)
                is_remote = Boolean(false)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                actor.process.name = "C:\\Windows\\System32\\winlogon.exe"
                session.uid = "dc1.example.com/0x41a6996"
                src_endpoint.ip = Address(127.0.0.1)
                src_endpoint.hostname = "DC1"
                unmapped = {"LogonProcessName":"User32 "}
        "#]],
    );
    check(
        r#""EventID":4624,"Keywords":-9214364837600034816,"SubjectUserSid":"S-1-0-0","SubjectUserName":"-","SubjectDomainName":"-","SubjectLogonId":"0x0",
           "TargetUserSid":"S-1-5-21-1-2-3-1000","TargetUserName":"PC1$","TargetDomainName":"EXAMPLE.COM","TargetLogonId":"0x1","LogonType":3,"AuthenticationPackageName":"Kerberos",
           "LogonGuid":"{00000000-0000-0000-0000-000000000000}","IpAddress":"fe80::1%13","IpPort":49595,"WorkstationName":"-""#,
        expect![[r#"
            authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1000 programmatic
              session dc1.example.com/0x1
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1000 `PC1$` workload
                metadata.event_code = "4624"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                auth_protocol = "Kerberos"
                logon_type_id = Unsigned(3)
                is_remote = Boolean(true)
                actor.user.name = "PC1$"
                actor.user.domain = "EXAMPLE.COM"
                session.uid = "dc1.example.com/0x1"
                src_endpoint.ip = Address(fe80::1)
                src_endpoint.port = Unsigned(49595)
        "#]],
    );
}

#[test]
fn who_had_somebody_else_logged_on_begins_the_chain() {
    check(
        &format!(
            r#""EventID":4624,"EventType":"AUDIT_SUCCESS",{SUBJECT},"TargetUserSid":"S-1-5-21-1-2-3-500","TargetUserName":"Administrator","TargetDomainName":"EXAMPLE","TargetLogonId":"0x9","LogonType":"9""#
        ),
        expect![[r#"
            authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-500 programmatic
              session dc1.example.com/0x9
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
              executor windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-500 `Administrator` protected
                metadata.event_code = "4624"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                logon_type_id = Unsigned(9)
                is_remote = Boolean(false)
                actor.user.name = "Administrator"
                actor.user.domain = "EXAMPLE"
                session.uid = "dc1.example.com/0x9"
        "#]],
    );
    check(
        r#""EventID":4624,"Keywords":["Audit Success"],"TargetUserSid":"S-1-5-21-1-2-3-1104","TargetUserName":"alice","TargetDomainName":"EXAMPLE","TargetLogonId":"0x9","LogonType":"3","TransmittedServices":"http/web@EXAMPLE.COM\r\n\t\t\tcifs/files@EXAMPLE.COM""#,
        expect![[r#"
            authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 delegated
              session dc1.example.com/0x9
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
              delegate ? `http/web@EXAMPLE.COM`
              executor ? `cifs/files@EXAMPLE.COM`
                metadata.event_code = "4624"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                logon_type_id = Unsigned(3)
                is_remote = Boolean(true)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                session.uid = "dc1.example.com/0x9"
        "#]],
    );
}

#[test]
fn a_failed_logon_names_the_account_and_proves_nothing() {
    check(
        r#""EventID":4625,"Keywords":"0x8010000000000000","SubjectUserSid":"S-1-5-18","SubjectUserName":"PC1$","TargetUserSid":"S-1-0-0","TargetUserName":"alice","TargetDomainName":"EXAMPLE",
           "Status":"0xC000006D","SubStatus":"0xc000006a","FailureReason":"%%2313","LogonType":"3","AuthenticationPackageName":"NTLM","IpAddress":"::ffff:192.0.2.7","IpPort":"50000","WorkstationName":"PC1""#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `alice`
                metadata.event_code = "4625"
                activity_id = Unsigned(1)
                status_id = Unsigned(2)
                status_code = "0xc000006a"
                status_detail = "%%2313"
                auth_protocol = "NTLM"
                logon_type_id = Unsigned(3)
                is_remote = Boolean(true)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                src_endpoint.ip = Address(192.0.2.7)
                src_endpoint.hostname = "PC1"
                src_endpoint.port = Unsigned(50000)
        "#]],
    );
    // Whatever the keywords say.
    let event = event(
        r#""EventID":4625,"Keywords":"0x8020000000000000","TargetUserSid":"S-1-5-21-1-2-3-1104","Status":"0xc000015b""#,
    );
    assert!(!event.actor.authenticated && event.actor.account.is_some());
}

#[test]
fn logoffs_explicit_credentials_privileges_and_desktops() {
    for id in [4634, 4647] {
        let event = event(&format!(
            r#""EventID":{id},"TargetUserSid":"S-1-5-21-1-2-3-1104","TargetUserName":"alice","TargetLogonId":"0x9","LogonType":"3""#
        ));
        let by_the_user = id == 4647;
        let usage = if by_the_user { "interactive" } else { "programmatic" };
        assert_eq!((event.actor.usage.id(), event.actor.authenticated), (usage, by_the_user), "{id}");
    }
    check(
        &format!(
            r#""EventID":4648,{SUBJECT},"TargetUserName":"bob","TargetDomainName":"EXAMPLE","TargetServerName":"files.example.com","TargetLogonGuid":"{{af70a878-fdf5-616c-5637-adff9a6323a8}}","LogonGuid":"{{00000000-0000-0000-0000-000000000000}}","ProcessName":"C:\\Windows\\System32\\runas.exe","IpAddress":"-","IpPort":"-""#
        ),
        expect![[r#"
            authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
              executor ? `bob`
                metadata.event_code = "4648"
                metadata.correlation_uid = "af70a878-fdf5-616c-5637-adff9a6323a8"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                actor.process.name = "C:\\Windows\\System32\\runas.exe"
                user.name = "bob"
                user.domain = "EXAMPLE"
                dst_endpoint.hostname = "files.example.com"
        "#]],
    );
    check(
        &format!(r#""EventID":4672,{SUBJECT},"PrivilegeList":"SeSecurityPrivilege\r\n\t\t\tSeDebugPrivilege""#),
        expect![[r#"
            authorize-session: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic, not authenticated
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
                metadata.event_code = "4672"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                privileges = ["SeSecurityPrivilege", "SeDebugPrivilege"]
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
        "#]],
    );
    check(
        r#""EventID":4778,"AccountName":"alice","AccountDomain":"EXAMPLE","LogonID":"0x9","SessionName":"RDP-Tcp#1","ClientName":"LAPTOP","ClientAddress":"LOCAL""#,
        expect![[r#"
            authentication: unresolved interactive, not authenticated
              session dc1.example.com/0x9
              initiator ? `alice`
                metadata.event_code = "4778"
                activity_id = Unsigned(99)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                src_endpoint.hostname = "LAPTOP"
                unmapped = {"SessionName":"RDP-Tcp#1"}
        "#]],
    );
}

#[test]
fn tickets_name_accounts_with_and_without_a_sid() {
    let ticket = r#""EventID":4768,"Status":"0x0","TargetUserName":"alice","TargetDomainName":"EXAMPLE.COM","TargetSid":"S-1-5-21-1-2-3-1104","ServiceName":"krbtgt","ServiceSid":"S-1-5-21-1-2-3-502","TicketOptions":"0x40810010","IpAddress":"::ffff:192.0.2.7","IpPort":"49679""#;
    check(
        &format!(r#"{ticket},"TicketEncryptionType":"0x12","PreAuthType":"2""#),
        expect![[r#"
        authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
          initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
            metadata.event_code = "4768"
            activity_id = Unsigned(3)
            status_id = Unsigned(1)
            status_code = "0x0"
            action_id = Unsigned(1)
            auth_protocol = "Kerberos"
            service.name = "krbtgt"
            service.uid = "S-1-5-21-1-2-3-502"
            authentication_token.encryption_details.algorithm = "aes256-cts-hmac-sha1-96"
            authentication_token.kerberos_flags = "0x40810010"
            win.pre_auth_type = "2"
            actor.user.name = "alice"
            actor.user.domain = "EXAMPLE.COM"
            src_endpoint.ip = Address(192.0.2.7)
            src_endpoint.port = Unsigned(49679)
    "#]],
    );
    // Any caller may ask for a ticket of an account without pre-authentication.
    let roasted = event(&format!(r#"{ticket},"TicketEncryptionType":"0x17","PreAuthType":0"#));
    assert!(!roasted.actor.authenticated && roasted.actor.account.is_some());
    check(
        r#""EventID":4769,"Status":"0x0","TargetUserName":"alice@EXAMPLE.COM","TargetDomainName":"EXAMPLE.COM","ServiceName":"svc_sql","ServiceSid":"S-1-5-21-1-2-3-1200","TicketEncryptionType":"0x17","TicketOptions":"0x40810000","TransmittedServices":"-","IpAddress":"::1","IpPort":"0""#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `alice`
              on windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1200
                metadata.event_code = "4769"
                activity_id = Unsigned(4)
                status_id = Unsigned(1)
                status_code = "0x0"
                action_id = Unsigned(1)
                auth_protocol = "Kerberos"
                service.name = "svc_sql"
                service.uid = "S-1-5-21-1-2-3-1200"
                authentication_token.encryption_details.algorithm = "rc4-hmac"
                authentication_token.kerberos_flags = "0x40810000"
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE.COM"
                user.name = "svc_sql"
                user.domain = "EXAMPLE.COM"
                src_endpoint.ip = Address(::1)
        "#]],
    );
    check(
        r#""EventID":4769,"Keywords":-9218868437227405312,"Status":"0x1b","TargetUserName":"alice@EXAMPLE.COM","TargetDomainName":"EXAMPLE.COM","ServiceName":"alice","ServiceSid":"S-1-0-0","TicketEncryptionType":"0xffffffff","IpAddress":"::ffff:192.0.2.7""#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `alice`
                metadata.event_code = "4769"
                activity_id = Unsigned(4)
                status_id = Unsigned(2)
                status_code = "0x1b"
                auth_protocol = "Kerberos"
                service.name = "alice"
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE.COM"
                user.name = "alice"
                user.domain = "EXAMPLE.COM"
                src_endpoint.ip = Address(192.0.2.7)
        "#]],
    );
    check(
        r#""EventID":4771,"TargetUserName":"alice","TargetSid":"S-1-5-21-1-2-3-1104","ServiceName":"krbtgt/EXAMPLE","Status":"0x18","PreAuthType":"2","IpAddress":"::ffff:192.0.2.7","IpPort":"49679""#,
        expect![[r#"
            authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic, not authenticated
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
                metadata.event_code = "4771"
                activity_id = Unsigned(6)
                status_id = Unsigned(2)
                status_code = "0x18"
                auth_protocol = "Kerberos"
                service.name = "krbtgt/EXAMPLE"
                win.pre_auth_type = "2"
                actor.user.name = "alice"
                src_endpoint.ip = Address(192.0.2.7)
                src_endpoint.port = Unsigned(49679)
        "#]],
    );
    check(
        r#""EventID":4776,"PackageName":"MICROSOFT_AUTHENTICATION_PACKAGE_V1_0","TargetUserName":"alice","Workstation":"PC1","Status":3221225578"#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `alice`
                metadata.event_code = "4776"
                activity_id = Unsigned(1)
                status_id = Unsigned(2)
                status_code = "0xc000006a"
                auth_protocol = "NTLM"
                actor.user.name = "alice"
                src_endpoint.hostname = "PC1"
        "#]],
    );
    let renewed = event(
        r#""EventID":4770,"TargetUserName":"PC1$@EXAMPLE.COM","TargetDomainName":"EXAMPLE.COM","TicketEncryptionType":24"#,
    );
    assert!(renewed.actor.account.is_none() && !renewed.actor.authenticated && renewed.target.is_none());
}
