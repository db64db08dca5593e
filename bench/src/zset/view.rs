//! A view in short, and the numbers in it that all subjects make alike.

const MODULUS: i128 = (1 << 61) - 1;

/// A view in short: how many rows, and a sum over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct View {
    pub rows: u64,
    pub checksum: u64,
}

/// The view in short. Rows whose value is 0 do not count: peers differ in whether they keep them.
pub fn view(rows: impl IntoIterator<Item = (i64, i64)>) -> View {
    let (mut count, mut sum) = (0, 0_i128);
    for (key, value) in rows.into_iter().filter(|(_, value)| *value != 0) {
        count += 1;
        sum = (sum + i128::from(key) * 1_000_003 + i128::from(value) * 7_919).rem_euclid(MODULUS);
    }
    View { rows: count, checksum: sum as u64 }
}

/// A path as one number.
pub fn path(from: i64, to: i64) -> i64 {
    from * 1_000_000 + to
}

/// The group of a reading: user and day.
pub fn day(user: i64, slot: i64) -> i64 {
    user * 1_000 + slot / 48
}
