//! Whose word a signature is, and what isn't anybody's.

use std::process::{Command, Stdio};

use crate::people::{card, people, says, signed, signed_for};
use crate::{Answer, AnswerError, Signed, Statement};

use super::NAMESPACE;

#[test]
fn a_signature_says_who_and_what() {
    let (persons, card) = (people(&["approver", "approver"]), card(7, 1));
    let word = says(2, &card, Answer::Deny).check(&persons).unwrap();
    assert_eq!((&*word.identity, word.statement.answer, word.statement.approval), ("p2", Answer::Deny, 7));
    // Another key of the same person.
    assert_eq!(says(102, &card, Answer::Deny).check(&persons).unwrap().identity, "p2");
}

#[test]
fn what_isnt_signed_so_is_nobodys_word() {
    let (persons, card) = (people(&["approver"]), card(7, 1));
    let good = says(1, &card, Answer::Approve);
    let wrong = |signed: Signed| signed.check(&persons).unwrap_err();
    // A key that was never registered, or is no more.
    assert!(matches!(wrong(says(9, &card, Answer::Approve)), AnswerError::UnknownKey(_)));
    // A signature for another purpose.
    let statement = Statement::new(&card, Answer::Approve, "yes");
    assert!(matches!(wrong(signed_for(1, &statement, "file")), AnswerError::Namespace(name) if name == "file"));
    // A denial's signature under an approval.
    let denial = says(1, &card, Answer::Deny);
    let swapped = Signed { signature: denial.signature.clone(), ..good.clone() };
    assert!(matches!(wrong(swapped), AnswerError::Forged(_)));
    // Text that isn't canonical, or of another kind, or cut.
    for text in [
        good.statement.replace(":", ": "),
        good.statement.replace("approval:v1", "approval:v2"),
        good.statement.replace("\"reason\"", "\"why\""),
        good.statement[1..].to_owned(),
        String::new(),
        "[".repeat(20_000),
    ] {
        assert!(matches!(wrong(Signed { statement: text, ..good.clone() }), AnswerError::Statement(_)));
    }
    for signature in ["", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", &"A".repeat(9_000)] {
        let signature = signature.to_owned();
        assert!(matches!(wrong(Signed { signature, ..good.clone() }), AnswerError::Signature(_)));
    }
    for reason in ["", " \n", &"x".repeat(2_001)] {
        assert!(matches!(wrong(signed(1, &Statement::new(&card, Answer::Approve, reason))), AnswerError::Reason(_)));
    }
}

#[test]
fn what_ssh_keygen_signs_counts() {
    if Command::new("ssh-keygen").arg("-?").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("skipped: ssh-keygen isn't installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (key, text) = (folder.path().join("key"), folder.path().join("statement"));
    let run = |command: &mut Command| {
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success())
    };
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "ana@example.org", "-f"]).arg(&key));
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let directory = format!(
        "[[identity]]\nid = \"ana\"\ntype = \"human\"\ntier = \"standard\"\n[[person]]\nidentity = \"ana\"\nuid = 1000\n\
         roles = [\"approver\"]\nkeys = [\"{}\"]\n",
        public.trim()
    );
    let persons = countersign_policy::Directory::parse(&directory).unwrap().persons().to_vec();
    let statement = Statement::new(&card(7, 1), Answer::Approve, "she says it wasn't her").to_text();
    std::fs::write(&text, &statement).unwrap();
    run(Command::new("ssh-keygen").args(["-Y", "sign", "-n", NAMESPACE, "-f"]).arg(&key).arg(&text));
    let signature = std::fs::read_to_string(folder.path().join("statement.sig")).unwrap();
    assert_eq!(Signed { statement: statement.clone(), signature }.check(&persons).unwrap().identity, "ana");
    std::fs::remove_file(folder.path().join("statement.sig")).unwrap();
    run(Command::new("ssh-keygen").args(["-Y", "sign", "-n", "git", "-f"]).arg(&key).arg(&text));
    let signature = std::fs::read_to_string(folder.path().join("statement.sig")).unwrap();
    assert!(matches!(Signed { statement, signature }.check(&persons), Err(AnswerError::Namespace(_))));
}
