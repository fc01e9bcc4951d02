//! What somebody does who has a victim's credentials. In the sources that are bound to the victim's tenants it must lead
//! to containment; forged into others it must not.

use super::aws::{self, Caller, Origin};
use super::okta::{self, Act};
use super::scene::Scene;
use super::windows::{self, SECURITY, SUCCESS};

/// An act with a victim's credentials.
pub(super) struct Theft {
    pub(super) name: &'static str,
    pub(super) happens: fn(&mut Scene),
    /// Whether a permissive policy contains the victim for it at once.
    pub(super) contained: bool,
}

pub(super) const THEFTS: &[Theft] = &[
    Theft { name: "signs in to the console without a factor", happens: console, contained: true },
    Theft { name: "tries out a key", happens: key, contained: true },
    Theft { name: "uses a session's cookie", happens: cookie, contained: true },
    Theft { name: "gives the key all rights", happens: rights, contained: true },
    Theft { name: "makes a key for another user", happens: credential, contained: true },
    Theft { name: "stops the trail", happens: trail, contained: true },
    Theft { name: "replicates the directory", happens: directory, contained: true },
    // Pushes are sent to the user whose name is typed: their denials are part of what is found, and prove nobody.
    Theft { name: "wears the person out with pushes", happens: pushes, contained: false },
    Theft { name: "travels", happens: travels, contained: false },
];

const KEY: (Caller, Origin) = (Caller::Machine, Origin::Elsewhere);

fn console(scene: &mut Scene) {
    aws::sign_in(scene, (Caller::User, Origin::Elsewhere), "ConsoleLogin", "Success", "No");
}

fn key(scene: &mut Scene) {
    aws::failing(scene, KEY, 14, "AccessDenied", "no identity-based policy allows the action");
}

fn cookie(scene: &mut Scene) {
    let session = scene.victim.session();
    for from in [Origin::Home, Origin::Elsewhere] {
        okta::act(scene, Act { event: "user.authentication.sso", session: &session, from, ..Act::default() });
    }
}

fn rights(scene: &mut Scene) {
    let name = format!("machine{}", scene.victim.0);
    let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
    let rest = format!(r#""requestParameters":{{"userName":"{name}","policyArn":"{policy}"}},"#);
    aws::call(scene, KEY, "AwsApiCall", ("iam", "AttachUserPolicy"), &rest);
}

fn credential(scene: &mut Scene) {
    let rest = r#""requestParameters":{"userName":"admin"},"responseElements":{"accessKey":{"accessKeyId":"AKIANEW","userName":"admin","status":"Active"}},"#;
    aws::call(scene, KEY, "AwsApiCall", ("iam", "CreateAccessKey"), rest);
}

fn trail(scene: &mut Scene) {
    aws::call(scene, KEY, "AwsApiCall", ("cloudtrail", "StopLogging"), r#""requestParameters":{"name":"all"},"#);
}

fn directory(scene: &mut Scene) {
    let data = format!(
        r#""SubjectUserSid":"{}","SubjectUserName":"{}","SubjectDomainName":"CORP","SubjectLogonId":"0x9","ObjectServer":"DS","AccessMask":"0x100","Properties":"%%7688 {{1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}} {{1131f6aa-9c07-11d1-f79f-00c04fc2dcd2}}""#,
        scene.victim.sid(),
        scene.victim.name()
    );
    windows::event(scene, SECURITY, 4662, SUCCESS, &data);
}

fn pushes(scene: &mut Scene) {
    for _ in 0..6 {
        let event = "user.mfa.okta_verify.deny_push";
        okta::act(scene, Act { event, result: "FAILURE", factor: "OKTA_VERIFY_PUSH", ..Act::default() });
    }
    let event = "user.authentication.auth_via_mfa";
    okta::act(scene, Act { event, factor: "OKTA_VERIFY_PUSH", session: "idx-other", ..Act::default() });
}

fn travels(scene: &mut Scene) {
    let session = scene.victim.session();
    for (from, session) in [(Origin::Home, &*session), (Origin::Elsewhere, "idx-other")] {
        okta::act(scene, Act { event: "user.session.start", session, from, ..Act::default() });
    }
}
