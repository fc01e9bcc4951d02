//! Records in sources that the outsider may write to, of accounts of his own tenants and of the victim's; and sprays.

use super::aws::Origin;
use super::scene::{Feed, SECOND, Scene, TENANT};

/// Names of failed sign-ins that are nobody's.
pub(super) fn spray(scene: &mut Scene, count: usize) {
    let address = scene.victim.home();
    for number in 0..count {
        scene.deliver(Feed::Trail, |stamp| {
            format!(
                r#"{{"eventVersion":"1.10","userIdentity":{{"type":"IAMUser","accountId":"{TENANT}","userName":"other{number}"}},"eventTime":"{}","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"{address}","errorMessage":"Failed authentication","responseElements":{{"ConsoleLogin":"Failure"}},"additionalEventData":{{"MFAUsed":"No"}},"eventID":"{}","eventType":"AwsConsoleSignIn","recipientAccountId":"{TENANT}"}}"#,
                stamp.time, stamp.id
            )
        });
    }
}

/// Sign-ins and tickets of accounts of his own tenant, under the victim's names and from its network.
pub(super) fn own_tenant(scene: &mut Scene) {
    let (name, address) = (scene.victim.name(), scene.victim.home());
    let result = scene.random.of(&["Success", "Failure"]);
    scene.deliver(Feed::Partner, |stamp| {
        format!(
            r#"{{"eventVersion":"1.10","userIdentity":{{"type":"IAMUser","principalId":"AIDAOWN","arn":"arn:aws:iam::999988887777:user/{name}","accountId":"999988887777","userName":"{name}"}},"eventTime":"{}","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"{address}","responseElements":{{"ConsoleLogin":"{result}"}},"additionalEventData":{{"MFAUsed":"No"}},"eventID":"{}","eventType":"AwsConsoleSignIn","recipientAccountId":"999988887777"}}"#,
            stamp.time, stamp.id
        )
    });
    for service in 0..scene.random.between(1, 5) {
        scene.deliver(Feed::Workgroup, |stamp| {
            format!(
                r#"{{"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","EventID":4769,"Hostname":"host.other.test","RecordNumber":{},"Keywords":"0x8020000000000000","TimeCreated":"{}","TargetUserSid":"S-1-5-21-9-9-9-1001","TargetUserName":"{name}@CORP","TargetDomainName":"CORP","IpAddress":"::ffff:{address}","ServiceName":"svc{service}","Status":"0x0","TicketEncryptionType":"0x17"}}"#,
                stamp.number, stamp.time
            )
        });
    }
}

/// An account of his own tenants changes the factors of the victim. A security id is an account of its domain whatever
/// product names it, so that the two can be of different providers.
pub(super) fn upon_the_victim(scene: &mut Scene) {
    let code = scene.random.of(&["user.mfa.factor.reset_all", "user.mfa.factor.activate"]);
    let okta = scene.random.below(2) == 0;
    change_factors(scene, okta, code);
}

/// Changes the factors of the victim's user of Okta, or of its account of the domain.
pub(super) fn change_factors(scene: &mut Scene, okta: bool, code: &str) {
    let (product, actor, target) = match okta {
        true => (OKTA, "S-1-5-21-9-9-9-1001", scene.victim.okta()),
        false => (r#""product":{"name":"acme","vendor_name":"acme"},"tenant_uid":"1""#, "own", scene.victim.sid()),
    };
    let rest = format!(r#""actor":{{"user":{{"uid":"{actor}"}}}},"user":{{"uid":"{target}"}}"#);
    event(scene, (3001, 11), code, product, &rest);
}

const OKTA: &str = r#""product":{"name":"Okta","vendor_name":"okta"}"#;

/// A thief's acts as OCSF events, in the name of one of the victim's accounts.
pub(super) fn ocsf(scene: &mut Scene) {
    let victim = scene.victim;
    let aws = |uid: &str| {
        let user = format!(
            r#"{{"uid":"{uid}","name":"{}","type":"IAMUser","type_id":1,"account":{{"uid":"{TENANT}"}},"credential_uid":"AKIA"}}"#,
            victim.name()
        );
        (r#""product":{"name":"CloudTrail","vendor_name":"aws"}"#, user)
    };
    let okta = (OKTA, format!(r#"{{"uid":"{}"}}"#, victim.okta()));
    let windows =
        (r#""product":{"name":"Security","vendor_name":"windows"}"#, format!(r#"{{"uid":"{}"}}"#, victim.sid()));
    // With a type that the record claims, where the directory says another.
    let workload = (windows.0, format!(r#"{{"uid":"{}","type_id":4}}"#, victim.service_sid()));
    let all = [aws(&victim.user()), aws(&victim.machine()), okta, windows, workload];
    let (product, user) = &all[scene.random.below(all.len())];
    match scene.random.below(6) {
        0 => {
            let rest = format!(
                r#""user":{user},"api":{{"operation":"ConsoleLogin"}},"is_mfa":false,"actor":{{"user":{user}}},"src_endpoint":{{"ip":"{}"}}"#,
                victim.elsewhere()
            );
            event(scene, (3002, 1), "", product, &rest);
        }
        1 => {
            for number in 0..12 {
                let rest = format!(
                    r#""actor":{{"user":{user}}},"action_id":2,"api":{{"operation":"List{}","service":{{"name":"iam.amazonaws.com"}}}},"src_endpoint":{{"ip":"{}"}}"#,
                    number % 8,
                    victim.elsewhere()
                );
                event(scene, (6003, 2), "", product, &rest);
            }
        }
        2 => {
            for (from, os, network) in [(Origin::Home, "Windows", 64_496), (Origin::Elsewhere, "macOS", 64_511)] {
                let rest = format!(
                    r#""user":{user},"session":{{"uid":"{}"}},"is_mfa":true,"auth_factors":[{{"factor_type":"Push Notification"}}],"device":{{"os":{{"name":"{os}"}}}},"src_endpoint":{{"ip":"{}","autonomous_system":{{"number":{network}}}}}"#,
                    victim.session(),
                    from.address(scene)
                );
                event(scene, (3002, 1), "", product, &rest);
            }
        }
        3 => {
            let rest = format!(
                r#""actor":{{"user":{user}}},"win":{{"object_properties":["1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"]}},"entity":{{"name":"x"}}"#
            );
            event(scene, (3004, 2), "4662", product, &rest);
        }
        4 => {
            let rest = format!(
                r#""actor":{{"user":{user}}},"user":{user},"api":{{"operation":"AttachUserPolicy","service":{{"name":"iam.amazonaws.com"}},"request":{{"data":{{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}}}}}},"policy":{{"name":"AdministratorAccess","uid":"arn:aws:iam::aws:policy/AdministratorAccess"}}"#
            );
            event(scene, (3005, 1), "", product, &rest);
        }
        _ => {
            let rest = format!(
                r#""actor":{{"user":{user}}},"api":{{"operation":"StopLogging","service":{{"name":"cloudtrail.amazonaws.com"}},"request":{{"data":{{"name":"all"}}}}}}"#
            );
            event(scene, (6003, 3), "", product, &rest);
        }
    }
}

/// One event that succeeded, of a class and activity.
fn event(scene: &mut Scene, (class, activity): (u32, u32), code: &str, product: &str, rest: &str) {
    scene.deliver(Feed::Anything, |stamp| {
        let time = stamp.time.0 / (SECOND / 1_000);
        format!(
            r#"{{"class_uid":{class},"activity_id":{activity},"status_id":1,"time":{time},"metadata":{{"uid":"{}","event_code":"{code}",{product}}},{rest}}}"#,
            stamp.id
        )
    });
}
