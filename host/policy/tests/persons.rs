//! Persons: who works with the host, and every fault in how they are written.
#![expect(clippy::expect_used, reason = "helpers of tests, which clippy takes for other code")]

use countersign_policy::{Directory, PersonRole};
use expect_test::{Expect, expect};

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dczAAAABHNzaDo=";
const SK_ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBIELQJ2DgvaX1yQlKFokfWM2suuaCFI2qp0eJodHyg6O4ifxc3XpRKd1OS8dNYQtE/YjdXSrA+AOnMF5ns2Nkx4AAAAEc3NoOg==";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";
const RSA: &str =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAIQCqGKukO1De7zhZj6+H0qtjTkVxwTCpvKe4eCZ0FPqri0cb2JZfXJ/DgYSF6vUp";

const IDENTITIES: &str = "
[[identity]]
id = \"alice\"
type = \"human\"

[[identity]]
id = \"bob\"
type = \"human\"

[[identity]]
id = \"deploy\"
type = \"workload\"

[[identity]]
id = \"unknown\"
";

fn check(persons: &str, expected: Expect) {
    let faults = Directory::parse(&format!("{IDENTITIES}{persons}")).expect_err("faults");
    expected.assert_eq(&faults.iter().map(|fault| format!("{fault}\n")).collect::<String>());
}

#[test]
fn a_person_is_a_human_a_user_roles_and_keys() {
    let persons = format!(
        "[[person]]\nidentity = \"alice\"\nuid = 1000\nroles = [\"viewer\", \"operator\"]\n\
         keys = [\"{ED25519} alice@laptop\", \"{SK_ED25519}\"]\n\
         [[person]]\nidentity = \"bob\"\nuid = 1001\nroles = [\"approver\"]\nkeys = [\"{SK_ECDSA}\"]\n"
    );
    let directory = Directory::parse(&format!("{IDENTITIES}{persons}")).expect("a directory");
    let [alice, bob] = directory.persons() else { panic!("two persons") };
    assert_eq!((alice.identity.as_str(), alice.uid), ("alice", 1000));
    assert_eq!(alice.roles, [PersonRole::Operator, PersonRole::Viewer]);
    assert!(alice.has(PersonRole::Viewer) && !alice.has(PersonRole::Approver));
    let keys: Vec<String> = alice.keys.iter().chain(&bob.keys).map(ToString::to_string).collect();
    assert!(keys.iter().all(|key| key.starts_with("SHA256:") && key.len() == 50), "{keys:?}");
    // A comment makes no other key.
    let other = persons.replace("alice@laptop", "other");
    assert_eq!(Directory::parse(&format!("{IDENTITIES}{other}")).as_ref(), Ok(&directory));
    // The same as lines.
    let lines = format!(
        "{{\"id\": \"alice\", \"type\": \"human\"}}\n{{\"id\": \"bob\", \"type\": \"human\"}}\n\
         {{\"person\": {{\"identity\": \"alice\", \"uid\": 1000, \"roles\": [\"operator\", \"viewer\"], \
         \"keys\": [\"{ED25519}\", \"{SK_ED25519}\"]}}}}\n\
         {{\"person\": {{\"identity\": \"bob\", \"uid\": 1001, \"roles\": [\"approver\"], \"keys\": [\"{SK_ECDSA}\"]}}}}\n"
    );
    assert_eq!(Directory::parse(&lines).expect("a directory").persons(), directory.persons());
}

#[test]
fn all_faults_are_told_at_once() {
    check(
        "[[person]]\nidentity = \"alise\"\nuid = 0\nroles = [\"operater\"]\nkey = []\n\
         [[person]]\nidentity = \"deploy\"\nuid = 4294967295\nroles = []\n\
         [[person]]\nidentity = \"unknown\"\nuid = \"root\"\nroles = [\"viewer\", \"viewer\"]\n\
         [[person]]\nroles = \"operator\"\n",
        expect![[r#"
            line 16, person[0].identity: expected the id of an identity of this file, got `alise` (did you mean `alice`?)
            line 18, person[0].uid: expected a user that is one person, got 0, root (root is whoever became it)
            line 19, person[0].roles[0]: expected a role, got `operater` (did you mean `operator`?)
            line 20, person[0].key: expected a known key, got `key` (did you mean `keys`?)
            line 21, person[1].identity: expected an identity of type human, got `deploy`, of type workload
            line 23, person[1].uid: expected 1 to 4294967294, got 4294967295
            line 24, person[1].roles: expected a list of 1 to 3, got a list of 0
            line 25, person[2].identity: expected an identity of type human, got `unknown`, which has none
            line 27, person[2].uid: expected a whole number, 1 to 4294967294, got the text `root`
            line 28, person[2].roles[1]: expected a value other than that of person[2].roles[0], got the text `viewer`
            line 29, person[3].identity: expected the id of an identity of this file, got none
            line 29, person[3].uid: expected the person's user on the host's machine, got none
            line 30, person[3].roles: expected a list, got the text `operator`
        "#]],
    );
    let twice = "[[person]]\nidentity = \"alice\"\nuid = 1000\nroles = [\"viewer\"]\n";
    check(
        &format!("{twice}{twice}"),
        expect![[r#"
        line 20, person[1].identity: expected an identity once, got `alice`
        line 22, person[1].uid: expected a user once, got 1000 (it is that of `alice` already)
    "#]],
    );
}

#[test]
fn keys_are_those_that_can_sign_and_belong_to_one_person() {
    let person = |identity: &str, uid: u32, keys: &[&str]| {
        format!("[[person]]\nidentity = \"{identity}\"\nuid = {uid}\nroles = [\"approver\"]\nkeys = {keys:?}\n")
    };
    check(
        &person(
            "alice",
            1000,
            &[ECDSA, RSA, "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519 AAAA", "ssh-ed25519", "", "words"],
        ),
        expect![[r#"
            line 20, person[0].keys[0]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got one of `ecdsa-sha2-nistp256`
            line 20, person[0].keys[1]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got something else
            line 20, person[0].keys[2]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got a secret key (make a new key: this one is in a file that others read)
            line 20, person[0].keys[3]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got something else
            line 20, person[0].keys[4]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got something else
            line 20, person[0].keys[5]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got something else
            line 20, person[0].keys[6]: expected a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`), got something else
        "#]],
    );
    let both = format!("{}{}", person("alice", 1000, &[ED25519, ED25519]), person("bob", 1001, &[ED25519]));
    check(
        &format!("{}{}", person("alice", 1000, &[ED25519]), person("bob", 1001, &[SK_ECDSA, ED25519])),
        expect![[r#"
        line 25, person[1].keys[1]: expected a key once, got SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ (it is one of `alice` already)
    "#]],
    );
    check(
        &both,
        expect![[r#"
        line 20, person[0].keys[1]: expected a key once, got SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ (it is one of this person already)
    "#]],
    );
}
