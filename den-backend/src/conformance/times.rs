//! Functions of times.

use crate::{
    Backend,
    Function::{SecondsBetween, Truncate},
    TimeUnit,
    conformance::{
        functions::{given_x_again, of_x, with},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(truncate_cuts_to_the_unit: Expressions),
    case!(weeks_begin_on_monday: Expressions),
    case!(only_a_time_is_a_time: Expressions),
    case!(seconds_between_two_times: Expressions),
];

async fn truncate_cuts_to_the_unit(backend: &dyn Backend) {
    let values = [
        "\"2024-02-29T23:59:58.123456Z\"",
        "\"1969-12-31T23:59:59.999999Z\"",
        "\"0001-01-01T00:00:00.000001Z\"",
        "\"9999-12-31T23:59:59.999999Z\"",
        "\"2000-03-01T00:00:00.000000Z\"",
    ];
    given_x(backend, &values).await;
    for (unit, expected) in [
        (
            TimeUnit::Minute,
            [
                "\"2024-02-29T23:59:00.000000Z\"",
                "\"1969-12-31T23:59:00.000000Z\"",
                "\"0001-01-01T00:00:00.000000Z\"",
                "\"9999-12-31T23:59:00.000000Z\"",
                "\"2000-03-01T00:00:00.000000Z\"",
            ],
        ),
        (
            TimeUnit::Hour,
            [
                "\"2024-02-29T23:00:00.000000Z\"",
                "\"1969-12-31T23:00:00.000000Z\"",
                "\"0001-01-01T00:00:00.000000Z\"",
                "\"9999-12-31T23:00:00.000000Z\"",
                "\"2000-03-01T00:00:00.000000Z\"",
            ],
        ),
        (
            TimeUnit::Day,
            [
                "\"2024-02-29T00:00:00.000000Z\"",
                "\"1969-12-31T00:00:00.000000Z\"",
                "\"0001-01-01T00:00:00.000000Z\"",
                "\"9999-12-31T00:00:00.000000Z\"",
                "\"2000-03-01T00:00:00.000000Z\"",
            ],
        ),
        (
            TimeUnit::Month,
            [
                "\"2024-02-01T00:00:00.000000Z\"",
                "\"1969-12-01T00:00:00.000000Z\"",
                "\"0001-01-01T00:00:00.000000Z\"",
                "\"9999-12-01T00:00:00.000000Z\"",
                "\"2000-03-01T00:00:00.000000Z\"",
            ],
        ),
        (
            TimeUnit::Year,
            [
                "\"2024-01-01T00:00:00.000000Z\"",
                "\"1969-01-01T00:00:00.000000Z\"",
                "\"0001-01-01T00:00:00.000000Z\"",
                "\"9999-01-01T00:00:00.000000Z\"",
                "\"2000-01-01T00:00:00.000000Z\"",
            ],
        ),
    ] {
        computes(backend, of_x(Truncate(unit)), &expected).await;
    }
}

async fn weeks_begin_on_monday(backend: &dyn Backend) {
    let values = [
        "\"2024-01-07T23:59:59.999999Z\"",
        "\"2024-01-08T00:00:00.000000Z\"",
        "\"2000-01-01T12:00:00.000000Z\"",
        "\"1970-01-01T00:00:00.000000Z\"",
        "\"0001-01-01T05:00:00.000000Z\"",
        "\"9999-12-31T00:00:00.000000Z\"",
        "\"2021-01-03T00:00:00.000000Z\"",
    ];
    given_x(backend, &values).await;
    let mondays = [
        "\"2024-01-01T00:00:00.000000Z\"",
        "\"2024-01-08T00:00:00.000000Z\"",
        "\"1999-12-27T00:00:00.000000Z\"",
        "\"1969-12-29T00:00:00.000000Z\"",
        "\"0001-01-01T00:00:00.000000Z\"",
        "\"9999-12-27T00:00:00.000000Z\"",
        "\"2020-12-28T00:00:00.000000Z\"",
    ];
    computes(backend, of_x(Truncate(TimeUnit::Week)), &mondays).await;
}

async fn only_a_time_is_a_time(backend: &dyn Backend) {
    let values = [
        "\"\"",
        "\"now\"",
        "\"infinity\"",
        "\"2024-01-01\"",
        "\"0000-01-01T00:00:00.000000Z\"",
        "\"1900-02-29T00:00:00.000000Z\"",
        "\"2023-02-29T00:00:00.000000Z\"",
        "\"2024-02-30T00:00:00.000000Z\"",
        "\"2024-04-31T00:00:00.000000Z\"",
        "\"2024-13-01T00:00:00.000000Z\"",
        "\"2024-00-01T00:00:00.000000Z\"",
        "\"2024-01-00T00:00:00.000000Z\"",
        "\"2024-01-01T24:00:00.000000Z\"",
        "\"2024-01-01T23:60:00.000000Z\"",
        "\"2024-01-01T23:59:60.000000Z\"",
        "\"2024-01-01T00:00:00Z\"",
        "\"2024-01-01T00:00:00.000Z\"",
        "\"2024-01-01 00:00:00.000000Z\"",
        "\"2024-01-01T00:00:00.000000z\"",
        "\"2024-01-01T00:00:00.000000\"",
        "\"2024-01-01T00:00:00.000000Z\\n\"",
        "\" 2024-01-01T00:00:00.000000Z\"",
        "\"10000-01-01T00:00:00.000000Z\"",
        "\"٢٠٢٤-01-01T00:00:00.000000Z\"",
        "20240101",
        "null",
    ];
    given_x(backend, &values).await;
    let none = ["null"; 26];
    for unit in [TimeUnit::Hour, TimeUnit::Week] {
        computes(backend, of_x(Truncate(unit)), &none).await;
    }
    let time = "\"2024-01-01T00:00:00.000000Z\"";
    computes(backend, with(SecondsBetween, &[time]), &none).await;
    let other = call(SecondsBetween, vec![literal(time), field("x")]);
    computes(backend, other, &none).await;
    given_x_again(
        backend,
        &[
            "\"2000-02-29T00:00:00.000000Z\"",
            "\"2400-02-29T23:59:59.999999Z\"",
        ],
    )
    .await;
    let days = [
        "\"2000-02-29T00:00:00.000000Z\"",
        "\"2400-02-29T00:00:00.000000Z\"",
    ];
    computes(backend, of_x(Truncate(TimeUnit::Day)), &days).await;
}

async fn seconds_between_two_times(backend: &dyn Backend) {
    let values = [
        "\"2024-03-01T00:00:00.000000Z\"",
        "\"2024-02-29T00:00:00.000000Z\"",
        "\"2024-02-29T00:00:00.000001Z\"",
        "\"2024-02-28T23:59:58.900000Z\"",
        "\"0001-01-01T00:00:00.000000Z\"",
        "\"9999-12-31T23:59:59.999999Z\"",
    ];
    given_x(backend, &values).await;
    let seconds = [
        "86400.0",
        "0.0",
        "0.000001",
        "-1.1",
        "-63844761600.0",
        "251693136000.0",
    ];
    let since = with(SecondsBetween, &["\"2024-02-29T00:00:00.000000Z\""]);
    computes(backend, since, &seconds).await;
    let zero = call(SecondsBetween, vec![field("x"), field("x")]);
    computes(backend, zero, &["0.0"; 6]).await;
}
