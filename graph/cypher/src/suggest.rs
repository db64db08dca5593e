//! "Did you mean …?"

/// The name in `known` that `name` was probably meant to be: the nearest by edit distance, the earliest if several
/// are equally near, none if all are further than a third of its length. Case counts little.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = name.to_lowercase().chars().collect();
    let limit = (written.len() / 3).max(1);
    known
        .into_iter()
        .filter_map(|candidate| {
            let folded: Vec<char> = candidate.to_lowercase().chars().collect();
            // A name of one letter is near to every other one, which helps nobody.
            let shares = written.len() > 1 || written == folded;
            let near = shares && folded.len().abs_diff(written.len()) <= limit;
            near.then(|| (distance(&written, &folded), candidate)).filter(|(distance, _)| *distance <= limit)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `left` into `right` (optimal string
/// alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous_left = None;
    for (row, &from) in left.iter().enumerate() {
        let mut cost = row + 1;
        let mut current = vec![cost];
        let mut previous_right = None;
        for (column, &to) in right.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(from != to);
            cost = replaced.min(cost + 1).min(at(&last, column + 1) + 1);
            if previous_left == Some(to) && previous_right == Some(from) {
                cost = cost.min(at(&before, column.wrapping_sub(1)) + 1);
            }
            current.push(cost);
            previous_right = Some(to);
        }
        previous_left = Some(from);
        before = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or_default()
}

fn at(costs: &[usize], column: usize) -> usize {
    costs.get(column).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
