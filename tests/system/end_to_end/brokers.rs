//! Tests of both services with a broker, under crashes of the services and of the broker.

use std::time::Duration;

use http::StatusCode;
use testkit::brokers::{OwnKafka, OwnRabbit};
use testkit::{Person, Stack, StackOptions, Transport, within};

use crate::pages::{anonymous, sign_up};

/// The password of the services at the broker.
const PASSWORD: &str = "swordfish-of-the-test";

/// A consumer group of Kafka whose member was killed waits until its session is over.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// A broker that this test may kill.
enum Broker {
    Kafka(OwnKafka),
    Rabbitmq(OwnRabbit),
}

impl Broker {
    async fn kill(&self) {
        match self {
            Self::Kafka(kafka) => kafka.kill().await,
            Self::Rabbitmq(rabbit) => rabbit.kill().await,
        }
    }

    async fn start_again(&self) {
        match self {
            Self::Kafka(kafka) => kafka.start_again().await,
            Self::Rabbitmq(rabbit) => rabbit.start_again().await,
        }
    }
}

async fn wait_until_signed_in(stack: &Stack, person: &Person) {
    let tokens = within(RECOVERY_TIMEOUT, "the person can sign in", async || {
        let (status, answer) = stack.try_authenticate(person, None).await;
        (status == StatusCode::OK).then_some(answer)
    })
    .await;
    let (status, user) = stack.user(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{user}");
    assert_eq!(user["user_name"], person.user_name.as_str());
}

/// Ann registers while all is well, Bob while `users` is gone, Carol while the broker is gone as well.
async fn people_register_whatever_is_away(stack: &mut Stack, broker: &Broker) {
    let ann = stack.register("ann").await;
    stack.users.kill();
    let bob = Person::named("bob");
    let mut visitor = anonymous(stack);
    assert_eq!(sign_up(&mut visitor, &bob).await.url.path(), "/register/wait");

    broker.kill().await;
    let carol = Person::named("carol");
    let mut visitor = anonymous(stack);
    assert_eq!(sign_up(&mut visitor, &carol).await.url.path(), "/register/wait");
    stack.authenticate(&ann).await;
    // Both services start without the broker.
    stack.auth.kill();
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    stack.authenticate(&ann).await;

    broker.start_again().await;
    for person in [&bob, &carol] {
        wait_until_signed_in(stack, person).await;
    }
    stack.register("dave").await;
}

#[tokio::test]
async fn people_register_over_rabbitmq_while_services_and_broker_are_killed() {
    let rabbit = OwnRabbit::start().await;
    rabbit.ctl(&["add_user", "vestibule", PASSWORD]).await;
    rabbit
        .ctl(&["set_permissions", "vestibule", ".*", ".*", ".*"])
        .await;
    let url = rabbit
        .url()
        .replace("guest:guest", &format!("vestibule:{PASSWORD}"));
    let options = StackOptions {
        transport: Transport::Rabbitmq,
        broker: Some(url),
        ..StackOptions::default()
    };
    // An operator who turns everything on does not find the password either.
    let everything = options
        .with("VESTIBULE_AUTH__LOG__LEVEL", "trace")
        .with("VESTIBULE_USERS__LOG__LEVEL", "trace");
    let mut stack = Stack::with(everything).await;
    people_register_whatever_is_away(&mut stack, &Broker::Rabbitmq(rabbit)).await;
    for service in [&stack.auth, &stack.users] {
        let log = service.log();
        assert!(
            log.contains("\"debug\"") && log.contains("the broker cannot be reached"),
            "everything is there"
        );
        assert!(!log.contains(PASSWORD), "the password is in the log");
    }
}

#[tokio::test]
async fn people_register_over_kafka_while_services_and_broker_are_killed() {
    let kafka = OwnKafka::start().await;
    let options = StackOptions {
        transport: Transport::Kafka,
        broker: Some(kafka.address().to_owned()),
        ..StackOptions::default()
    };
    let mut stack = Stack::with(options).await;
    people_register_whatever_is_away(&mut stack, &Broker::Kafka(kafka)).await;
}
