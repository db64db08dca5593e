//! Names that were meant, for names that are not there.

/// The known name that is least different from `name`; none if even that is another word.
pub(crate) fn nearest<'names>(name: &str, known: &'names [String]) -> Option<&'names str> {
    let wanted = name.to_lowercase();
    let distances = known.iter().map(|known| (distance(&wanted, &known.to_lowercase()), known));
    let (least, found) = distances.min_by_key(|(distance, _)| *distance)?;
    (least <= name.chars().count().div_ceil(3)).then_some(found.as_str())
}

/// Letters to insert, remove or replace to make one of the other; two that changed places count as one.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests;
