//! Accounts, groups, rights and objects of the directory.

use countersign_model::vocabulary::FieldId;
use expect_test::expect;

use crate::{SUBJECT, check, event};

#[test]
fn accounts_are_changed_by_the_subject() {
    let target = r#""TargetUserName":"bob","TargetDomainName":"EXAMPLE","TargetSid":"S-1-5-21-1-2-3-1105""#;
    let mut lines = String::new();
    for id in [4720, 4722, 4723, 4724, 4725, 4726, 4738, 4740, 4741, 4742, 4743, 4767, 4781] {
        let event = event(&format!(r#""EventID":"{id}",{SUBJECT},{target}"#));
        let activity = event.fields.get(FieldId::ActivityId);
        let (actor, target) = (event.actor.account.unwrap(), event.target.unwrap());
        assert!(actor.subject.ends_with("-1104") && target.account.subject.ends_with("-1105"));
        // The system locks an account.
        assert_eq!(event.actor.authenticated, id != 4740, "{id}");
        lines.push_str(&format!("{id} {} {activity:?}\n", event.class));
    }
    expect![[r#"
        4720 account-change Some(Unsigned(1))
        4722 account-change Some(Unsigned(2))
        4723 account-change Some(Unsigned(3))
        4724 account-change Some(Unsigned(4))
        4725 account-change Some(Unsigned(5))
        4726 account-change Some(Unsigned(6))
        4738 account-change Some(Unsigned(99))
        4740 account-change Some(Unsigned(9))
        4741 account-change Some(Unsigned(1))
        4742 account-change Some(Unsigned(99))
        4743 account-change Some(Unsigned(6))
        4767 account-change Some(Unsigned(12))
        4781 account-change Some(Unsigned(99))
    "#]]
    .assert_eq(&lines);
    check(
        r#""EventID":4742,"SubjectUserSid":"S-1-5-7","SubjectUserName":"ANONYMOUS LOGON","SubjectDomainName":"NT AUTHORITY","SubjectLogonId":"0x3e6","TargetUserName":"DC1$","TargetDomainName":"EXAMPLE","TargetSid":"S-1-5-21-1-2-3-1000","PasswordLastSet":"9/16/2020 11:40:05 PM""#,
        expect![[r#"
            account-change: unresolved programmatic, not authenticated
              session dc1.example.com/0x3e6
              initiator ? `ANONYMOUS LOGON`
              on windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1000 workload
                metadata.event_code = "4742"
                activity_id = Unsigned(99)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "ANONYMOUS LOGON"
                actor.user.domain = "NT AUTHORITY"
                user.name = "DC1$"
                user.domain = "EXAMPLE"
                unmapped = {"PasswordLastSet":"9/16/2020 11:40:05 PM"}
        "#]],
    );
    // The name of the machine that the wrong passwords came from stands where the domain does elsewhere.
    check(
        r#""EventID":4740,"SubjectUserSid":"S-1-5-18","SubjectUserName":"DC1$","SubjectDomainName":"EXAMPLE","SubjectLogonId":"0x3e7","TargetUserName":"bob","TargetDomainName":"PC7","TargetSid":"S-1-5-21-1-2-3-1105""#,
        expect![[r#"
            account-change: windows:dc1.example.com:S-1-5-18 programmatic, not authenticated
              session dc1.example.com/0x3e7
              initiator windows:dc1.example.com:S-1-5-18 `DC1$` workload shared
              on windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1105
                metadata.event_code = "4740"
                activity_id = Unsigned(9)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "DC1$"
                actor.user.domain = "EXAMPLE"
                user.name = "bob"
                src_endpoint.hostname = "PC7"
        "#]],
    );
}

#[test]
fn groups_get_and_lose_members() {
    let group = r#""TargetUserName":"Domain Admins","TargetDomainName":"EXAMPLE","TargetSid":"S-1-5-21-1-2-3-512""#;
    check(
        &format!(
            r#""EventID":4728,{SUBJECT},{group},"MemberName":"CN=bob,DC=example","MemberSid":"S-1-5-21-1-2-3-1105","PrivilegeList":"-""#
        ),
        expect![[r#"
            group-management: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
              on windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1105
                metadata.event_code = "4728"
                activity_id = Unsigned(3)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                user.name = "CN=bob,DC=example"
                group.name = "Domain Admins"
                group.uid = "S-1-5-21-1-2-3-512"
        "#]],
    );
    let mut lines = String::new();
    for id in [4727, 4729, 4730, 4732, 4733, 4735, 4756, 4757, 4764] {
        let event = event(&format!(r#""EventID":{id},{SUBJECT},{group},"MemberSid":"S-1-5-21-1-2-3-1105""#));
        let target = event.target.map_or("-".to_owned(), |target| target.account.subject);
        lines.push_str(&format!("{id} {} {:?} {target}\n", event.class, event.fields.get(FieldId::ActivityId)));
    }
    expect![[r#"
        4727 group-management Some(Unsigned(6)) -
        4729 group-management Some(Unsigned(4)) S-1-5-21-1-2-3-1105
        4730 group-management Some(Unsigned(5)) -
        4732 group-management Some(Unsigned(3)) S-1-5-21-1-2-3-1105
        4733 group-management Some(Unsigned(4)) S-1-5-21-1-2-3-1105
        4735 group-management Some(Unsigned(99)) -
        4756 group-management Some(Unsigned(3)) S-1-5-21-1-2-3-1105
        4757 group-management Some(Unsigned(4)) S-1-5-21-1-2-3-1105
        4764 group-management Some(Unsigned(99)) -
    "#]]
    .assert_eq(&lines);
}

#[test]
fn objects_are_asked_for_and_modified() {
    check(
        &format!(
            r#""EventID":4662,{SUBJECT},"ObjectServer":"DS","ObjectType":"%{{19195a5b-6da0-11d0-afd3-00c04fd930c9}}","ObjectName":"%{{3933C65D-ac7f-4c79-b5b7-ad0fb941333c}}","OperationType":"Object Access","AccessMask":"0x100","AccessList":"%%7688\r\n\t\t\t\t","Properties":"%%7688\r\n\t\t{{1131F6AA-9c07-11d1-f79f-00c04fc2dcd2}}\r\n\t{{19195a5b-6da0-11d0-afd3-00c04fd930c9}}\r\n""#
        ),
        expect![[r#"
            entity-management: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
                metadata.event_code = "4662"
                activity_id = Unsigned(99)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                entity.uid = "3933c65d-ac7f-4c79-b5b7-ad0fb941333c"
                entity.name = "%{3933C65D-ac7f-4c79-b5b7-ad0fb941333c}"
                entity.type = "19195a5b-6da0-11d0-afd3-00c04fd930c9"
                access_mask = Unsigned(256)
                access_list = ["%%7688"]
                win.object_properties = ["1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "19195a5b-6da0-11d0-afd3-00c04fd930c9"]
                unmapped = {"ObjectServer":"DS"}
        "#]],
    );
    check(
        &format!(
            r#""EventID":4662,"EventType":"AUDIT_FAILURE",{SUBJECT},"ObjectType":"SecretObject","ObjectName":"Policy\\Secrets","AccessMask":256,"Properties":"-""#
        ),
        expect![[r#"
            entity-management: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
                metadata.event_code = "4662"
                activity_id = Unsigned(99)
                status_id = Unsigned(2)
                action_id = Unsigned(2)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                entity.name = "Policy\\Secrets"
                entity.type = "SecretObject"
                access_mask = Unsigned(256)
        "#]],
    );
    check(
        &format!(
            r#""EventID":5136,{SUBJECT},"ObjectDN":"CN=bob,DC=example","ObjectGUID":"{{3933C65D-ac7f-4c79-b5b7-ad0fb941333c}}","ObjectClass":"user","AttributeLDAPDisplayName":"servicePrincipalName","AttributeValue":"http/x","OperationType":"%%14674""#
        ),
        expect![[r#"
            entity-management: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
                metadata.event_code = "5136"
                activity_id = Unsigned(3)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
                entity.uid = "3933c65d-ac7f-4c79-b5b7-ad0fb941333c"
                entity.name = "CN=bob,DC=example"
                entity.type = "user"
                unmapped = {"AttributeLDAPDisplayName":"servicePrincipalName","AttributeValue":"http/x"}
        "#]],
    );
    check(
        &format!(r#""EventID":4704,{SUBJECT},"TargetSid":"S-1-5-21-1-2-3-1105","PrivilegeList":"SeDebugPrivilege""#),
        expect![[r#"
            user-access: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
              session dc1.example.com/0x41a6996
              initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
              on windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1105
                metadata.event_code = "4704"
                activity_id = Unsigned(1)
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                privileges = ["SeDebugPrivilege"]
                actor.user.name = "alice"
                actor.user.domain = "EXAMPLE"
        "#]],
    );
}

#[test]
fn any_other_event_is_an_activity_of_its_subject() {
    check(
        &format!(r#""EventID":1102,"UserData":{{"LogFileCleared":{{{SUBJECT}}}}}"#),
        expect![[r#"
        api-activity: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
          session dc1.example.com/0x41a6996
          initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
            metadata.event_code = "1102"
            activity_id = Unsigned(99)
            actor.user.name = "alice"
            actor.user.domain = "EXAMPLE"
    "#]],
    );
    check(
        r#""EventID":9999"#,
        expect![[r#"
        api-activity: unresolved programmatic, not authenticated
          initiator ? `DC1.example.com`
            metadata.event_code = "9999"
            activity_id = Unsigned(99)
    "#]],
    );
    // A number means something only together with who logged it.
    let other = event(r#""EventID":4624,"SourceName":"Somebody-Else","TargetUserSid":"S-1-5-21-1-2-3-1104""#);
    assert_eq!((other.class.uid(), other.actor.account), (6003, None));
}
