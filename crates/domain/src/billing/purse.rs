//! What is left of a workspace's credits while several calls are decided together.
use std::collections::HashMap;

use crate::{
    billing::{Allocation, CreditGrant, Credits, GrantMove, NotEnough, OutOfRange, allocate},
    ids::GrantId,
    time::Timestamp,
};

/// What is left of a workspace's credits while several calls are decided together: what one takes,
/// the next one does not find.
#[derive(Clone, Debug)]
pub struct Purse {
    available: Credits,
    lots: Vec<CreditGrant>,
    now: Timestamp,
}

impl Purse {
    /// All that is available, and the lots that it consists of.
    #[must_use]
    pub const fn new(available: Credits, lots: Vec<CreditGrant>, now: Timestamp) -> Self {
        Self { available, lots, now }
    }

    /// Which lots an amount would be taken from: see [`allocate`].
    ///
    /// # Errors
    ///
    /// [`NotEnough`], with what could be spent instead.
    pub fn look(&self, amount: Credits) -> Result<Vec<Allocation>, NotEnough> {
        let allocations = allocate(&self.lots, amount, self.now);
        match allocations {
            Ok(allocations) if amount <= self.available => Ok(allocations),
            Ok(_) => Err(NotEnough { spendable: self.available }),
            Err(NotEnough { spendable }) => {
                Err(NotEnough { spendable: spendable.min(self.available) })
            }
        }
    }

    /// Takes what was looked at.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] for amounts that are not there.
    pub fn take(&mut self, allocations: &[Allocation]) -> Result<(), OutOfRange> {
        for Allocation { grant, amount } in allocations {
            self.available = self.available.minus(*amount)?;
            for lot in self.lots.iter_mut().filter(|lot| lot.id == *grant) {
                lot.remaining = lot.remaining.minus(*amount)?;
            }
        }
        Ok(())
    }
}

/// Moves of the same lot become one.
///
/// # Errors
///
/// [`OutOfRange`] when a sum does not fit.
pub fn merge_moves(
    moves: impl IntoIterator<Item = GrantMove>,
) -> Result<Vec<GrantMove>, OutOfRange> {
    let mut merged: Vec<GrantMove> = Vec::new();
    let mut places = HashMap::<GrantId, usize>::new();
    for step in moves {
        let place = *places.entry(step.grant).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(sum) => {
                sum.remaining = sum.remaining.plus(step.remaining)?;
                sum.held = sum.held.plus(step.held)?;
            }
            None => merged.push(step),
        }
    }
    merged.retain(|step| step.remaining != Credits::ZERO || step.held != Credits::ZERO);
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::{billing::GrantSource, ids::WorkspaceId};

    fn micros(micros: i64) -> Credits {
        Credits::from_micros(micros)
    }

    fn lot(number: u128, remaining: i64) -> CreditGrant {
        CreditGrant {
            id: GrantId::new(Uuid::from_u128(number)),
            workspace: WorkspaceId::new(Uuid::nil()),
            source: GrantSource::Purchase,
            order: None,
            amount: micros(remaining),
            remaining: micros(remaining),
            held: Credits::ZERO,
            expires_at: None,
            created_at: Timestamp::UNIX_EPOCH
                + TimeDelta::seconds(i64::try_from(number).expect("small")),
        }
    }

    fn take(purse: &mut Purse, amount: i64) -> Result<Vec<i64>, i64> {
        let found = purse.look(micros(amount)).map_err(|short| short.spendable.micros())?;
        purse.take(&found).expect("it is there");
        Ok(found.iter().map(|part| part.amount.micros()).collect())
    }

    #[test]
    fn what_one_takes_the_next_one_does_not_find() {
        let lots = vec![lot(1, 6), lot(2, 10)];
        let mut purse = Purse::new(micros(16), lots, Timestamp::UNIX_EPOCH);
        assert_eq!(take(&mut purse, 4), Ok(vec![4]));
        assert_eq!(take(&mut purse, 4), Ok(vec![2, 2]));
        assert_eq!(take(&mut purse, 9), Err(8));
        assert_eq!(take(&mut purse, 8), Ok(vec![8]));
        assert_eq!(take(&mut purse, 1), Err(0));
    }

    #[test]
    fn lots_are_no_more_than_what_is_available() {
        let mut purse = Purse::new(micros(5), vec![lot(1, 6)], Timestamp::UNIX_EPOCH);
        assert_eq!(take(&mut purse, 6), Err(5));
        assert_eq!(take(&mut purse, 5), Ok(vec![5]));
    }

    #[test]
    fn moves_of_one_lot_become_one_and_those_that_move_nothing_none() {
        let step = |number: u128, remaining, held| GrantMove {
            grant: GrantId::new(Uuid::from_u128(number)),
            remaining: micros(remaining),
            held: micros(held),
        };
        let moves = [step(1, -4, 4), step(2, -1, 1), step(1, -2, 2), step(2, 1, -1)];
        assert_eq!(merge_moves(moves), Ok(vec![step(1, -6, 6)]));
        let most = [step(1, i64::MAX, 0), step(1, 1, 0)];
        assert_eq!(merge_moves(most), Err(OutOfRange));
    }
}
