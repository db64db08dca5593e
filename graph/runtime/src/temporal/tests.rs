//! The calendar, zones, and hostile values. What the openCypher TCK has of temporal values is tested with it.

use proptest::prelude::*;

use super::calendar::{civil_of, days_in_month, days_of};
use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, Zone, between, parse};
use crate::testing::{all_are, all_fail, limited, value};
use crate::value::Value;

#[test]
fn days_follow_each_other() {
    let mut day = days_of(1599, 12, 30);
    for year in 1600..=2005 {
        for month in 1..=12 {
            for number in 1..=days_in_month(year, month) {
                if (year, month, number) == (1600, 1, 1) {
                    day = days_of(1600, 1, 1) - 1;
                }
                day += 1;
                assert_eq!((days_of(year, month, number), civil_of(day)), (day, (year, month, number)));
            }
        }
    }
    assert_eq!(days_of(1970, 1, 1), 0);
    assert_eq!(days_of(2000, 2, 29), 11_016);
}

#[test]
fn weeks_are_those_of_iso() {
    // The first and last days of years, whose weeks belong to a neighbour now and then.
    let cases = [
        ((2005, 1, 1), (2004, 53, 6)),
        ((2006, 1, 1), (2005, 52, 7)),
        ((2007, 1, 1), (2007, 1, 1)),
        ((2008, 12, 29), (2009, 1, 1)),
        ((2010, 1, 3), (2009, 53, 7)),
        ((-1, 6, 1), (-1, 22, 2)),
    ];
    for ((year, month, day), (week_year, week, weekday)) in cases {
        let date = Date::new(year, month, day).unwrap();
        assert_eq!((date.week(), date.weekday()), ((week_year, week), weekday), "{date}");
        assert_eq!(Date::from_week(week_year, week, weekday).unwrap(), date);
    }
    assert!(Date::from_week(2007, 53, 1).is_err());
}

fn any_date() -> impl Strategy<Value = Date> {
    let days = prop_oneof![-1_000_000..1_000_000i64, days_of(-999_999_999, 1, 1)..=days_of(999_999_999, 12, 31)];
    days.prop_map(|days| Date::from_days(days).unwrap())
}

fn any_local() -> impl Strategy<Value = LocalDateTime> {
    (any_date(), 0..super::DAY).prop_map(|(date, nanos)| LocalDateTime::new(date, LocalTime::from_nanos(nanos.into())))
}

#[test]
fn months_are_counted_backwards_from_a_day_that_the_other_month_does_not_have() {
    let local = |text: &str| super::Parts::of(&parse::local_date_time(text).unwrap().into()).unwrap();
    let told = |from: &str, to: &str| between(&local(from), &local(to), super::Between::All).unwrap().to_string();
    assert_eq!(told("2021-05-31T00:00", "2021-02-28T00:00"), "P-3M");
    assert_eq!(told("2021-05-31T00:00", "2021-02-28T00:00:01"), "P-2M-30DT-23H-59M-59S");
    assert_eq!(told("2021-05-31T00:00", "2021-02-27T00:00"), "P-3M-1D");
    assert_eq!(told("2021-01-31T00:00", "2021-02-28T00:00"), "P28D");
}

proptest! {
    #[test]
    fn dates_are_made_of_any_of_their_parts(date in any_date()) {
        let (year, month, day) = date.civil();
        let (week_year, week) = date.week();
        let (quarter, day_of_quarter) = date.quarter();
        prop_assert_eq!(Date::new(year, month, day).unwrap(), date);
        if week_year.abs() <= 999_999_999 {
            prop_assert_eq!(Date::from_week(week_year, week, date.weekday()).unwrap(), date);
        }
        prop_assert_eq!(Date::from_ordinal(year, date.ordinal()).unwrap(), date);
        prop_assert_eq!(Date::from_quarter(year, quarter, day_of_quarter).unwrap(), date);
        prop_assert_eq!(parse::date(&date.to_string()).unwrap(), date);
    }

    #[test]
    fn what_is_printed_reads_back(local in any_local(), offset in -64_800..=64_800i32, zone in 0..4usize) {
        prop_assert_eq!(parse::local_date_time(&local.to_string()).unwrap(), local);
        let zones = ["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
        for zone in [Zone::Offset(offset), Zone::parse(zones[zone]).unwrap()] {
            let Ok(moment) = DateTime::new(local, zone) else { continue };
            prop_assert_eq!(&parse::date_time(&moment.to_string()).unwrap(), &moment);
        }
    }

    #[test]
    fn the_time_between_leads_from_one_to_the_other(from in any_local(), to in any_local()) {
        let parts = |local: LocalDateTime| super::Parts::of(&local.into()).unwrap();
        let duration = between(&parts(from), &parts(to), super::Between::All).unwrap();
        prop_assert_eq!(from.plus(&duration).unwrap(), to);
        let signs = [duration.months().signum(), duration.days().signum(), duration.nanos_total().signum() as i64];
        prop_assert!(!(signs.contains(&1) && signs.contains(&-1)), "{}", duration);
        prop_assert_eq!(parse::duration(&duration.to_string()).unwrap(), duration);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[-+PTWYMDHS0-9.:Z\\[\\]é]{0,24}") {
        let _ = (parse::date(&text), parse::local_time(&text), parse::time(&text));
        let _ = (parse::local_date_time(&text), parse::date_time(&text), parse::duration(&text), Zone::parse(&text));
    }

    #[test]
    fn no_duration_breaks_arithmetic(
        months in any::<i64>(), days in any::<i64>(), seconds in any::<i64>(), factor in any::<f64>(), local in any_local()
    ) {
        let duration = Duration::new(months, days, i128::from(seconds) * 1_000_000_000 - 1);
        if let Ok(duration) = duration {
            let _ = (duration.negated(), duration.times(seconds), duration.scaled(factor), duration.plus(&duration));
            let _ = (local.plus(&duration), local.date.plus(&duration), local.time.plus(&duration), duration.to_string());
            let _ = DateTime::new(local, Zone::parse("Europe/London").unwrap()).map(|moment| moment.plus(&duration));
        }
    }
}

#[test]
fn a_time_that_comes_twice_stays_the_one_that_it_is() {
    all_are(
        "datetime({datetime: datetime('2024-10-27T02:30+01:00[Europe/Berlin]'), second: 5}) => '2024-10-27T02:30:05+01:00[Europe/Berlin]'
         datetime({datetime: datetime('2024-10-27T02:30+02:00[Europe/Berlin]'), second: 5}) => '2024-10-27T02:30:05+02:00[Europe/Berlin]'
         datetime({datetime: datetime('2024-10-27T02:30+01:00[Europe/Berlin]'), timezone: 'UTC'}) => '2024-10-27T01:30Z[UTC]'
         datetime({datetime: datetime('2024-10-27T02:30+01:00[Europe/Berlin]'), month: 7}) => '2024-07-27T02:30+02:00[Europe/Berlin]'
         datetime.truncate('minute', datetime('2024-10-27T02:30:10+01:00[Europe/Berlin]')) => '2024-10-27T02:30+01:00[Europe/Berlin]'
         datetime.truncate('hour', datetime('2024-10-27T02:30+02:00[Europe/Berlin]')) => '2024-10-27T02:00+02:00[Europe/Berlin]'
         datetime.truncate('year', datetime('2024-10-27T02:30+02:00[Europe/Berlin]')) => '2024-01-01T00:00+01:00[Europe/Berlin]'",
    );
}

#[test]
fn each_part_of_a_duration_is_divided() {
    all_are(
        "duration({months: 49}) / 49 => 'P1M'
         duration({months: 98, days: 49, seconds: 147}) / 49 => 'P2M1DT3S'
         duration({days: 10}) / 2.5 => 'P4D'
         duration('P1D') / 2 => 'PT12H'",
    );
}

#[test]
fn clocks_are_changed() {
    all_are(
        "datetime('2024-03-31T02:30[Europe/Berlin]') => '2024-03-31T03:30+02:00[Europe/Berlin]'
         datetime('2024-10-27T02:30[Europe/Berlin]') => '2024-10-27T02:30+02:00[Europe/Berlin]'
         datetime('2024-10-27T02:30+01:00[Europe/Berlin]') => '2024-10-27T02:30+01:00[Europe/Berlin]'
         datetime('2024-03-30T12:00[Europe/Berlin]') + duration('P1D') => '2024-03-31T12:00+02:00[Europe/Berlin]'
         datetime('2024-03-30T12:00[Europe/Berlin]') + duration('PT24H') => '2024-03-31T13:00+02:00[Europe/Berlin]'
         datetime('+12024-07-01T12:00[Europe/Berlin]') => '+12024-07-01T12:00+02:00[Europe/Berlin]'
         datetime('-12024-07-01T12:00[Europe/Berlin]').offsetSeconds => 3208
         datetime('2024-07-01T12:00[europe/berlin]') => '2024-07-01T12:00+02:00[Europe/Berlin]'
         datetime('2024-01-01T00:00Z') = datetime('2024-01-01T01:00+01:00') => false
         datetime('2024-01-01T00:00Z') < datetime('2024-01-01T00:30+01:00') => false",
    );
    all_fail(
        "datetime('2024-01-01T00:00[Europe/Nowhere]') => ArgumentError InvalidArgumentValue
         datetime('2024-01-01T00:00+19:00') => ArgumentError InvalidArgumentValue",
    );
}

#[test]
fn now_is_when_the_statement_began() {
    all_are(
        "datetime() => '2023-11-14T22:13:20.5Z'
         datetime.statement('Asia/Tokyo') => '2023-11-15T07:13:20.5+09:00[Asia/Tokyo]'
         date({timezone: 'Asia/Tokyo'}) => '2023-11-15'
         date() => '2023-11-14'
         timestamp() => 1700000000500
         datetime({epochMillis: 1500, timezone: '+01:00'}) => '1970-01-01T01:00:01.5+01:00'",
    );
}

#[test]
fn what_is_no_time_is_refused() {
    all_fail(
        "date('2023-02-29') => ArgumentError NumberOutOfRange
         date('2023-13-01') => ArgumentError NumberOutOfRange
         date('2023-1-1') => ArgumentError InvalidArgumentValue
         date('yesterday') => ArgumentError InvalidArgumentValue
         date('') => ArgumentError InvalidArgumentValue
         date({year: 2023, day: 1}) => ArgumentError NumberOutOfRange
         date({year: 2023, mouth: 1}) => ArgumentError InvalidArgumentValue
         date({month: 1}) => ArgumentError InvalidArgumentValue
         date({year: '2023'}) => TypeError InvalidArgumentType
         date({year: 9223372036854775807}) => ArgumentError NumberOutOfRange
         date(1) => TypeError InvalidArgumentType
         date(localtime('12:00')) => TypeError InvalidArgumentType
         localtime('24:00') => ArgumentError NumberOutOfRange
         localtime({minute: 1}) => ArgumentError InvalidArgumentValue
         localtime(date('2023-01-01')) => TypeError InvalidArgumentType
         duration('P') => ArgumentError InvalidArgumentValue
         duration('P1DT') => ArgumentError InvalidArgumentValue
         duration('P1H') => ArgumentError InvalidArgumentValue
         duration({lightyears: 1}) => ArgumentError InvalidArgumentValue
         duration({days: 'a'}) => TypeError InvalidArgumentType
         duration({years: 9223372036854775807}) => ArgumentError NumberOutOfRange
         duration({days: 1e300}) => ArgumentError NumberOutOfRange
         duration('P1D') / 0 => ArgumentError NumberOutOfRange
         duration('P1D') * (1.0 / 0.0) => ArgumentError NumberOutOfRange
         date('+999999999-12-31') + duration('P1D') => ArgumentError NumberOutOfRange
         datetime.fromEpoch(9223372036854775807, 0) => ArgumentError NumberOutOfRange
         date.truncate('fortnight', date('2023-01-01')) => ArgumentError InvalidArgumentValue
         date.truncate('hour', date('2023-01-01')) => ArgumentError InvalidArgumentValue
         date('2023-01-01').hour => ArgumentError InvalidArgumentValue
         duration.between(1, 2) => TypeError InvalidArgumentType",
    );
    assert_eq!(limited("date.truncate('year', null)", 1 << 20).unwrap(), Value::Null);
}

#[test]
fn durations_are_ordered_by_their_length() {
    let Value::List(list) = value("[duration('P1M'), duration('P30D'), duration('P31D'), duration('PT1S')]") else {
        panic!("a list")
    };
    let mut sorted = list.to_vec();
    sorted.sort();
    assert_eq!(Value::from(sorted).to_string(), "['PT1S', 'P30D', 'P1M', 'P31D']");
}

#[test]
fn whole_months_are_counted() {
    all_are(
        "duration.between(date('2020-01-15'), date('2020-02-15')) => 'P1M'
         duration.between(date('2020-02-15'), date('2020-01-15')) => 'P-1M'
         duration.between(date('2020-01-31'), date('2020-02-29')) => 'P29D'
         duration.between(date('2020-01-31'), date('2020-03-01')) => 'P1M1D'
         duration.between(localdatetime('2020-01-15T12:00'), localdatetime('2020-02-15T11:00')) => 'P30DT23H'
         duration.inMonths(date('2020-01-15'), date('2021-01-14')) => 'P11M'
         date('2020-01-31') + duration('P1M') => '2020-02-29'
         duration({seconds: 2.3}) => 'PT2.3S'
         date('2020-03-31') - duration('P1M') => '2020-02-29'",
    );
}
