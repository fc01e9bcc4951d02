//! What a victim does itself: ordinary work, of which nothing is found.

use super::aws::{self, Caller, Origin};
use super::okta::{self, Act};
use super::scene::Scene;
use super::windows::{self, SECURITY, SUCCESS, target};

/// An act of the victim's own.
pub(super) struct Own {
    pub(super) name: &'static str,
    pub(super) happens: fn(&mut Scene),
}

pub(super) const OWN: &[Own] = &[
    Own { name: "signs in to the console with a factor", happens: console },
    Own { name: "works in the console", happens: in_the_console },
    Own { name: "its machine calls with its key", happens: machine },
    Own { name: "its machine is denied a few calls", happens: denied },
    Own { name: "signs in to the access portal", happens: portal },
    Own { name: "signs in to Okta with a push", happens: okta },
    Own { name: "opens an app", happens: app },
    Own { name: "denies a push", happens: denies },
    Own { name: "logs on to the domain", happens: domain },
    Own { name: "its machine logs on to the domain", happens: service },
];

const PERSON: (Caller, Origin) = (Caller::User, Origin::Home);
const MACHINE: (Caller, Origin) = (Caller::Machine, Origin::Server);

fn console(scene: &mut Scene) {
    aws::sign_in(scene, PERSON, "CheckMfa", "Success", "No");
    aws::sign_in(scene, PERSON, "ConsoleLogin", "Success", "Yes");
}

fn in_the_console(scene: &mut Scene) {
    let rest = r#""sessionCredentialFromConsole":"true","#;
    aws::call(scene, PERSON, "AwsApiCall", ("ec2", "DescribeInstances"), rest);
}

fn machine(scene: &mut Scene) {
    aws::call(scene, MACHINE, "AwsApiCall", ("s3", "ListBuckets"), "");
    aws::call(scene, MACHINE, "AwsApiCall", ("sts", "GetCallerIdentity"), "");
}

fn denied(scene: &mut Scene) {
    // Fewer than a burst has; twice as many would be one.
    let count = scene.random.between(1, 6);
    aws::failing(scene, MACHINE, count, "AccessDenied", "no identity-based policy allows the action");
}

fn portal(scene: &mut Scene) {
    let who = (Caller::StoreUser, Origin::Home);
    aws::portal(scene, who, "CredentialVerification", "Success");
    aws::portal(scene, who, "UserAuthentication", "Success");
}

fn okta(scene: &mut Scene) {
    let session = scene.victim.session();
    let from = Origin::Home;
    let event = "user.authentication.auth_via_mfa";
    okta::act(scene, Act { event, factor: "OKTA_VERIFY_PUSH", session: &session, from, ..Act::default() });
    okta::act(scene, Act { event: "user.session.start", session: &session, from, ..Act::default() });
}

fn app(scene: &mut Scene) {
    let session = scene.victim.session();
    let event = "user.authentication.sso";
    okta::act(scene, Act { event, session: &session, from: Origin::Home, ..Act::default() });
}

fn denies(scene: &mut Scene) {
    let event = "user.mfa.okta_verify.deny_push";
    okta::act(
        scene,
        Act { event, result: "FAILURE", factor: "OKTA_VERIFY_PUSH", from: Origin::Home, ..Act::default() },
    );
}

fn domain(scene: &mut Scene) {
    let who = target(&scene.victim.sid(), &scene.victim.name(), &scene.victim.home());
    let ticket = format!(r#"{who},"PreAuthType":"2","Status":"0x0","TicketEncryptionType":"0x12""#);
    windows::event(scene, SECURITY, 4768, SUCCESS, &ticket);
    let logon = format!(
        r#"{who},"LogonType":"10","TargetLogonId":"0x{}","ImpersonationLevel":"%%1833""#,
        scene.victim.0 + 4_096
    );
    windows::event(scene, SECURITY, 4624, SUCCESS, &logon);
}

fn service(scene: &mut Scene) {
    let who = target(&scene.victim.service_sid(), &format!("svc{}", scene.victim.0), &scene.victim.server());
    let logon = format!(r#"{who},"LogonType":"3","ImpersonationLevel":"%%1833""#);
    windows::event(scene, SECURITY, 4624, SUCCESS, &logon);
}
