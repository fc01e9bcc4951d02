//! The list: all that somebody without an account can cause. What isn't written here isn't searched.

use super::aws::{self, Caller, Origin};
use super::forged;
use super::okta::{self, Act};
use super::scene::{HOUR, SECOND, Scene, receive};
use super::thief::THEFTS;
use super::windows::{self, FAILURE, SECURITY, SUCCESS, target};

/// Something that somebody without an account can cause.
pub(super) struct Move {
    pub(super) name: &'static str,
    /// What happens, and why nobody is needed for it.
    pub(super) what: &'static str,
    pub(super) happens: fn(&mut Scene),
}

const fn causes(name: &'static str, what: &'static str, happens: fn(&mut Scene)) -> Move {
    Move { name, what, happens }
}

/// All of them.
#[rustfmt::skip]
pub(super) const MOVES: &[Move] = &[
    // Sign-ins that fail, of the user whose name is typed.
    causes("console-failure", "a wrong password for the victim's user at the console", console_failure),
    causes("console-failure-at-home", "the same from the victim's own network: a café, an office, a shared NAT", console_failure_at_home),
    causes("portal-failure", "a wrong password at the access portal, by the name", portal_failure),
    causes("okta-failure", "a wrong password at Okta, with a session of its own that never began", okta_failure),
    causes("logon-failure", "4625: a logon over the network, by the name or by the security id", logon_failure),
    causes("pre-authentication-failure", "4771: a wrong password to the controller, whose record has the security id", pre_authentication_failure),
    causes("ntlm-failure", "4776: a wrong answer to a challenge", ntlm_failure),
    causes("as-rep", "4768: a ticket for an account that needs no pre-authentication; it succeeds", as_rep),
    causes("lockout", "4740 and its like in Okta: enough wrong passwords lock the victim out", lockout),
    causes("bad-signature", "calls with the key's id and a wrong secret", bad_signature),
    causes("lapsed-address", "a presigned address of the machine's that somebody found, after it lapsed", lapsed_address),
    // Steps of a sign-in that prove nothing.
    causes("check-mfa", "asks whether the victim's user has a factor", check_mfa),
    causes("challenge", "asks the portal to begin a sign-in by the name", challenge),
    causes("recovery", "asks for the recovery of a password, in AWS and in Okta", recovery),
    // Prompts.
    causes("push-sent", "has Okta send a push, a text message or a call to the victim", push_sent),
    causes("push-denied", "pushes that the victim denies", push_denied),
    causes("push-ignored", "pushes that nobody answers: the sign-in fails", push_ignored),
    // What products say about the victim.
    causes("threat", "Okta detects a threat and names the victim", threat),
    causes("evaluated", "a sign-on policy is evaluated for the victim's name", evaluated),
    // Forged records in sources that he may write to.
    causes("forged", "acts of a thief, in sources of their formats that are bound to other tenants", forge),
    causes("forged-at-odd-times", "the same far ahead, far back, or a minute ahead", forge_at_odd_times),
    causes("forged-ocsf", "the same as OCSF events with sessions, factors, networks and types", forge_ocsf),
    causes("forged-in-application", "events of the auditing, written to the channel Application of a host of the victim's domain", forge_in_application),
    causes("own-tenant", "genuine acts of accounts of his own tenant from the victim's network", own_tenant),
    causes("upon-the-victim", "acts of accounts of his own tenant whose target is the victim", upon_the_victim),
    // Accounts of his own, which the victims' tenants know nothing of.
    causes("stranger", "calls that are denied, from an account of AWS of his own", stranger),
    causes("namesake", "the same in a session that is named after the victim", namesake),
    // Redeliveries.
    causes("again", "all genuine records so far are delivered again", again),
    causes("again-later", "all genuine records so far are delivered again, with other times of receipt", again_later),
    causes("again-elsewhere", "a genuine record comes by a source that he may write to", again_elsewhere),
    causes("again-changed", "the id of a genuine record comes with other content, by such a source", again_changed),
    // Sprays.
    causes("spray-at-home", "a spray upon others from the victim's own network", spray_at_home),
    causes("spray-with-the-victim", "a spray upon others and the victim from its own network", spray_with_the_victim),
    causes("spray-the-domain", "a spray against the controller from the victim's own network", spray_the_domain),
];

const USER: (Caller, Origin) = (Caller::User, Origin::Elsewhere);

fn console_failure(scene: &mut Scene) {
    times(scene, 3, |scene| aws::sign_in(scene, USER, "ConsoleLogin", "Failure", "No"));
}

fn console_failure_at_home(scene: &mut Scene) {
    times(scene, 2, |scene| aws::sign_in(scene, (Caller::User, Origin::Home), "ConsoleLogin", "Failure", "Yes"));
}

fn portal_failure(scene: &mut Scene) {
    times(scene, 3, |scene| {
        aws::portal(scene, (Caller::StoreUser, Origin::Elsewhere), "CredentialVerification", "Failure");
    });
}

fn okta_failure(scene: &mut Scene) {
    let from = scene.random.of(&[Origin::Elsewhere, Origin::Home]);
    times(scene, 3, |scene| {
        let (event, result, reason) = ("user.session.start", "FAILURE", "INVALID_CREDENTIALS");
        okta::act(scene, Act { event, result, reason, session: "idx-nobody", from, ..Act::default() });
    });
}

fn logon_failure(scene: &mut Scene) {
    let sid = scene.victim.sid();
    let sid = scene.random.of(&["S-1-0-0", &*sid]).to_owned();
    let address = scene.random.of(&[Origin::Elsewhere, Origin::Home]).address(scene);
    let who = target(&sid, &scene.victim.name(), &address);
    let data = format!(r#"{who},"LogonType":"3","Status":"0xc000006d","SubStatus":"0xc000006a""#);
    times(scene, 3, |scene| windows::event(scene, SECURITY, 4625, FAILURE, &data));
}

fn pre_authentication_failure(scene: &mut Scene) {
    let address = scene.random.of(&[Origin::Elsewhere, Origin::Home]).address(scene);
    let who = target(&scene.victim.sid(), &scene.victim.name(), &address);
    times(scene, 3, |scene| {
        windows::event(scene, SECURITY, 4771, FAILURE, &format!(r#"{who},"PreAuthType":"2","Status":"0x18""#));
    });
}

fn ntlm_failure(scene: &mut Scene) {
    let data = format!(r#""TargetUserName":"{}","Workstation":"X","Status":"0xc000006a""#, scene.victim.name());
    windows::event(scene, SECURITY, 4776, FAILURE, &data);
}

fn as_rep(scene: &mut Scene) {
    let address = scene.random.of(&[Origin::Elsewhere, Origin::Home, Origin::Server]).address(scene);
    let (person, service) = (scene.victim.sid(), scene.victim.service_sid());
    let sid = scene.random.of(&[&*person, &*service]).to_owned();
    let who = target(&sid, &format!("svc{}", scene.victim.0), &address);
    let data =
        format!(r#"{who},"PreAuthType":"0","Status":"0x0","TicketEncryptionType":"0x17","ServiceName":"krbtgt""#);
    windows::event(scene, SECURITY, 4768, SUCCESS, &data);
}

fn lockout(scene: &mut Scene) {
    let data = format!(
        r#""SubjectUserSid":"S-1-5-18","SubjectUserName":"DC1$","TargetSid":"{}","TargetUserName":"{}","TargetDomainName":"X""#,
        scene.victim.sid(),
        scene.victim.name()
    );
    windows::event(scene, SECURITY, 4740, SUCCESS, &data);
    okta::act(scene, Act { event: "user.account.lock", result: "FAILURE", reason: "LOCKED_OUT", ..Act::default() });
}

const KEY: (Caller, Origin) = (Caller::Machine, Origin::Elsewhere);

fn bad_signature(scene: &mut Scene) {
    let count = scene.random.between(1, 12);
    aws::failing(scene, KEY, count, "SignatureDoesNotMatch", "the signature doesn't match");
}

fn lapsed_address(scene: &mut Scene) {
    let count = scene.random.between(1, 12);
    aws::failing(scene, KEY, count, "AccessDenied", "Request has expired");
}

fn check_mfa(scene: &mut Scene) {
    aws::sign_in(scene, USER, "CheckMfa", "Success", "No");
}

fn challenge(scene: &mut Scene) {
    aws::portal(scene, (Caller::StoreUser, Origin::Elsewhere), "CredentialChallenge", "Success");
}

fn recovery(scene: &mut Scene) {
    aws::sign_in(scene, USER, "PasswordRecoveryRequested", "Success", "No");
    for event in ["user.account.reset_password", "user.account.unlock_token"] {
        okta::act(scene, Act { event, session: "idx-nobody", ..Act::default() });
    }
}

fn push_sent(scene: &mut Scene) {
    for event in ["system.push.send_factor_verify_push", "system.sms.send_factor_verify_message"] {
        okta::act(scene, Act { event, factor: "OKTA_VERIFY_PUSH", ..Act::default() });
    }
}

fn push_denied(scene: &mut Scene) {
    times(scene, 6, |scene| {
        let event = "user.mfa.okta_verify.deny_push";
        okta::act(scene, Act { event, factor: "OKTA_VERIFY_PUSH", ..Act::default() });
    });
}

fn push_ignored(scene: &mut Scene) {
    let result = scene.random.of(&["FAILURE", "CHALLENGE", "UNKNOWN"]);
    times(scene, 5, |scene| {
        let (event, factor) = ("user.authentication.auth_via_mfa", "OKTA_VERIFY_PUSH");
        okta::act(scene, Act { event, result, factor, session: "idx-nobody", ..Act::default() });
    });
}

fn threat(scene: &mut Scene) {
    let result = scene.random.of(&["DENY", "ALLOW", "SUCCESS"]);
    okta::act(scene, Act { event: "security.threat.detected", result, ..Act::default() });
    okta::act(scene, Act { event: "user.mfa.attempt_bypass", result, ..Act::default() });
}

fn evaluated(scene: &mut Scene) {
    let result = scene.random.of(&["CHALLENGE", "ALLOW", "DENY"]);
    okta::act(scene, Act { event: "policy.evaluate_sign_on", result, session: "idx-nobody", ..Act::default() });
}

fn forge(scene: &mut Scene) {
    scene.forging = true;
    let theft = scene.random.below(THEFTS.len());
    (THEFTS[theft].happens)(scene);
}

fn forge_at_odd_times(scene: &mut Scene) {
    // Beyond 24 hours ahead they are set aside, unless those that follow agree.
    scene.shift = scene.random.of(&[60 * SECOND, 23 * HOUR, 72 * HOUR, -HOUR, -30 * 24 * HOUR]);
    forge(scene);
}

fn forge_ocsf(scene: &mut Scene) {
    if scene.random.below(4) == 0 {
        scene.shift = scene.random.of(&[60 * SECOND, 23 * HOUR, -HOUR]);
    }
    forged::ocsf(scene);
}

fn forge_in_application(scene: &mut Scene) {
    let who = target(&scene.victim.sid(), &scene.victim.name(), &scene.victim.elsewhere());
    let data = format!(r#"{who},"LogonType":"10","ImpersonationLevel":"%%1833""#);
    windows::event(scene, "Application", 4624, SUCCESS, &data);
    let data = format!(
        r#""SubjectUserSid":"{}","SubjectUserName":"{}","Properties":"%%7688 {{1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}}""#,
        scene.victim.sid(),
        scene.victim.name()
    );
    windows::event(scene, "Application", 4662, SUCCESS, &data);
}

fn own_tenant(scene: &mut Scene) {
    scene.forging = true;
    forged::own_tenant(scene);
}

fn upon_the_victim(scene: &mut Scene) {
    forged::upon_the_victim(scene);
}

fn stranger(scene: &mut Scene) {
    denied_from_outside(scene, Caller::Stranger);
}

fn namesake(scene: &mut Scene) {
    denied_from_outside(scene, Caller::Namesake);
}

fn denied_from_outside(scene: &mut Scene, caller: Caller) {
    let from = scene.random.of(&[Origin::Elsewhere, Origin::Home, Origin::Server]);
    aws::failing(scene, (caller, from), 11, "AccessDenied", "no resource-based policy allows the action");
}

fn again(scene: &mut Scene) {
    times(scene, 4, |scene| {
        for genuine in scene.all_genuine() {
            scene.deliver_again(genuine.feed, genuine.line);
        }
    });
}

fn again_later(scene: &mut Scene) {
    times(scene, 4, |scene| {
        for mut genuine in scene.all_genuine() {
            receive(&mut genuine.line, scene.now());
            scene.deliver_again(genuine.feed, genuine.line);
        }
    });
}

fn again_elsewhere(scene: &mut Scene) {
    times(scene, 4, |scene| {
        let Some(genuine) = scene.one_genuine() else { return };
        scene.deliver_again(genuine.feed.forgeable(), genuine.line);
    });
}

fn again_changed(scene: &mut Scene) {
    times(scene, 4, |scene| {
        let Some(genuine) = scene.one_genuine() else { return };
        let (home, server, elsewhere) = (scene.victim.home(), scene.victim.server(), scene.victim.elsewhere());
        let line = genuine.line.replace(&home, &elsewhere).replace(&server, &elsewhere);
        let line = line.replace("\"MFAUsed\":\"Yes\"", "\"MFAUsed\":\"No\"").replace("Windows 10", "Mac OS X");
        scene.deliver_again(genuine.feed.forgeable(), line);
    });
}

fn spray_at_home(scene: &mut Scene) {
    forged::spray(scene, 12);
}

fn spray_with_the_victim(scene: &mut Scene) {
    console_failure_at_home(scene);
    forged::spray(scene, 12);
}

fn spray_the_domain(scene: &mut Scene) {
    let address = scene.victim.home();
    for number in 0..12 {
        let name = if number == 5 { scene.victim.name() } else { format!("other{number}") };
        let who = target("S-1-0-0", &name, &address);
        windows::event(scene, SECURITY, 4771, FAILURE, &format!(r#"{who},"Status":"0x18""#));
    }
}

/// From once to so many times.
fn times(scene: &mut Scene, most: usize, mut happens: impl FnMut(&mut Scene)) {
    for _ in 0..scene.random.between(1, most) {
        happens(scene);
    }
}
