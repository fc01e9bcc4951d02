//! Which account a SID is, and what it proves.

use crate::event;

fn actor(sid: &str, name: &str) -> String {
    let event = event(&format!(r#""EventID":4672,"SubjectUserSid":"{sid}","SubjectUserName":"{name}""#));
    let [member] = &event.chain[..] else { panic!("{:?}", event.chain) };
    assert_eq!(member.account, event.actor.account);
    format!(
        "{}{}{}",
        event.actor.account.as_ref().map_or("unresolved".to_owned(), ToString::to_string),
        member.proved_type.map_or(String::new(), |proved| format!(" {proved}")),
        match (member.protected, member.shared) {
            (true, _) => " protected",
            (_, true) => " shared",
            _ => "",
        },
    )
}

#[test]
fn sids_are_accounts_of_a_domain_or_of_the_machine() {
    for (sid, name, expected) in [
        ("S-1-5-21-1-2-3-1104", "alice", "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104"),
        ("S-1-5-21-1-2-3-1000", "PC1$", "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1000 workload"),
        ("S-1-5-21-1-2-3-500", "renamed", "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-500 protected"),
        ("S-1-5-21-1-2-3-502", "krbtgt", "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-502 protected"),
        ("S-1-5-21-1-2-3-501", "Guest", "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-501 shared"),
        ("S-1-5-21-1-2-3-512", "Domain Admins", "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-512 shared"),
        ("S-1-5-18", "DC1$", "windows:dc1.example.com:S-1-5-18 workload shared"),
        ("S-1-5-19", "LOCAL SERVICE", "windows:dc1.example.com:S-1-5-19 workload shared"),
        ("S-1-5-20", "DC1$", "windows:dc1.example.com:S-1-5-20 workload shared"),
        ("S-1-5-90-0-1", "DWM-1", "windows:dc1.example.com:S-1-5-90-0-1 workload"),
        ("S-1-12-1-1-2-3-4", "alice@example.com", "windows:S-1-12-1:S-1-12-1-1-2-3-4"),
        ("S-1-5-7", "ANONYMOUS LOGON", "unresolved"),
        ("S-1-0-0", "-", "unresolved"),
        ("-", "alice", "unresolved"),
        ("EXAMPLE\\\\alice", "alice", "unresolved"),
    ] {
        assert_eq!(actor(sid, name), expected, "{sid}");
    }
}

#[test]
fn a_group_among_a_groups_members_is_a_shared_target() {
    let member = |sid: &str| {
        let event = event(&format!(r#""EventID":4728,"SubjectUserSid":"S-1-5-21-1-2-3-1104","MemberSid":"{sid}""#));
        event.target.map(|target| target.shared)
    };
    assert_eq!(member("S-1-5-21-1-2-3-513"), Some(true));
    assert_eq!(member("S-1-5-21-1-2-3-1105"), Some(false));
}
