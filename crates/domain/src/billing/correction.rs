//! What is moved when a call that was charged an estimate turns out to have cost something else.
//!
//! More is taken like what a hold did not cover: from what is available, and the rest is owed.
//! Less pays a debt first, as everything does that arrives; the rest goes back to the lots that
//! paid. *Not* here: which calls are corrected, and when.
use crate::billing::{
    Account, Allocation, CreditGrant, Credits, OutOfRange, Overage, Transaction, TransactionKind,
};

/// What a correction moves. Either something is taken or something goes back, never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// What is taken beyond what was charged before.
    pub taken: Overage,
    /// What goes back to the lots, and is available again.
    pub to_available: Credits,
    /// What goes back and pays a debt at once.
    pub to_debt: Credits,
}

impl Correction {
    /// Decides what to move for a call that was charged `charged` and cost `used`, where so much
    /// can be taken and so much is owed.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a difference does not fit.
    pub fn of_charge(
        charged: Credits,
        used: Credits,
        spendable: Credits,
        debt: Credits,
    ) -> Result<Self, OutOfRange> {
        let more = used.minus(charged)?;
        if more.is_positive() {
            return Ok(Self { taken: Overage::split(more, spendable)?, ..Self::default() });
        }
        let less = charged.minus(used)?;
        let to_debt = less.min(debt).max(Credits::ZERO);
        Ok(Self { to_debt, to_available: less.minus(to_debt)?, ..Self::default() })
    }

    /// What a correction moved, as it was posted.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn of(posted: &Transaction) -> Result<Self, OutOfRange> {
        let mut found = Self::default();
        if posted.kind != TransactionKind::Correction {
            return Ok(found);
        }
        found.taken = Overage::of(posted)?;
        for transfer in posted.transfers.iter().filter(|each| each.from() == Account::Revenue) {
            let amount = Credits::from_micros(transfer.amount());
            if transfer.to() == Account::Available(posted.workspace) {
                found.to_available = found.to_available.plus(amount)?;
            } else if transfer.to() == Account::Receivable(posted.workspace) {
                found.to_debt = found.to_debt.plus(amount)?;
            }
        }
        Ok(found)
    }
}

/// There is no room in the lots for what is to go back: they have not lost as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lots have room for {missing} credits less than goes back")]
pub struct NoRoom {
    /// What finds no place.
    pub missing: Credits,
}

/// Puts `amount` back: first into the lots that paid for the call, the last one first, as much as
/// each paid; then, since what was taken beyond a hold is not recorded lot by lot, into the others,
/// the last in turn first. No lot gets more than it was given. `lots` are those of which something
/// was used.
///
/// # Errors
///
/// [`NoRoom`] when they have not lost as much.
pub fn put_back(
    amount: Credits,
    paid: &[Allocation],
    lots: &[CreditGrant],
) -> Result<Vec<Allocation>, NoRoom> {
    let mut lots: Vec<_> = lots.iter().map(|lot| (lot, lot.used())).collect();
    lots.sort_by_key(|(lot, _)| lot.turn());
    let mut left = amount.micros();
    let mut back = Vec::<Allocation>::new();
    let mut put = |lot: &CreditGrant, room: &mut Credits, most: Credits| {
        let part = room.micros().min(most.micros()).min(left);
        if part <= 0 {
            return;
        }
        left -= part;
        *room = Credits::from_micros(room.micros() - part);
        match back.iter_mut().find(|known| known.grant == lot.id) {
            Some(known) => known.amount = Credits::from_micros(known.amount.micros() + part),
            None => back.push(Allocation { grant: lot.id, amount: Credits::from_micros(part) }),
        }
    };
    for part in paid.iter().rev() {
        if let Some((lot, room)) = lots.iter_mut().find(|(lot, _)| lot.id == part.grant) {
            put(lot, room, part.amount);
        }
    }
    for (lot, room) in lots.iter_mut().rev() {
        let all = *room;
        put(lot, room, all);
    }
    if left > 0 { Err(NoRoom { missing: Credits::from_micros(left) }) } else { Ok(back) }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::{
        billing::{GrantSource, correction},
        ids::{GrantId, HoldId, TransactionId, WorkspaceId},
        time::Timestamp,
    };

    const OWN: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));

    fn micros(micros: i64) -> Credits {
        Credits::from_micros(micros)
    }

    fn grant(number: u128) -> GrantId {
        GrantId::new(Uuid::from_u128(number))
    }

    /// A lot of ten, of which so much is left.
    fn lot(number: u128, source: GrantSource, remaining: i64) -> CreditGrant {
        let seconds = TimeDelta::seconds(i64::try_from(number).expect("small"));
        CreditGrant {
            id: grant(number),
            workspace: OWN,
            source,
            order: None,
            amount: micros(10),
            remaining: micros(remaining),
            held: Credits::ZERO,
            expires_at: None,
            created_at: Timestamp::UNIX_EPOCH + seconds,
        }
    }

    #[test]
    fn more_is_taken_or_owed_and_less_pays_a_debt_or_goes_back() {
        // charged, used, spendable, debt -> from available, owed, to available, to debt
        for (charged, used, spendable, debt, expected) in [
            (5, 5, 9, 9, [0, 0, 0, 0]),
            (5, 8, 9, 0, [3, 0, 0, 0]),
            (5, 8, 3, 0, [3, 0, 0, 0]),
            (5, 8, 2, 4, [2, 1, 0, 0]),
            (5, 8, 0, 4, [0, 3, 0, 0]),
            (8, 5, 0, 0, [0, 0, 3, 0]),
            (8, 5, 7, 2, [0, 0, 1, 2]),
            (8, 5, 7, 3, [0, 0, 0, 3]),
            (8, 5, 7, 9, [0, 0, 0, 3]),
            (8, 0, 0, 0, [0, 0, 8, 0]),
        ] {
            let decided = Correction::of_charge(
                micros(charged),
                micros(used),
                micros(spendable),
                micros(debt),
            );
            let decided = decided.expect("in range");
            let found = [
                decided.taken.from_available,
                decided.taken.owed,
                decided.to_available,
                decided.to_debt,
            ];
            assert_eq!(found.map(Credits::micros), expected, "{charged} {used} {spendable} {debt}");
            let head = (TransactionId::new(Uuid::nil()), OWN, Timestamp::UNIX_EPOCH);
            let posted = correction(head, HoldId::new(Uuid::nil()), &decided, 7).expect("sound");
            assert_eq!(Correction::of(&posted), Ok(decided), "it is read from its posting");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let least = Credits::from_micros(i64::MIN);
        let decided = Correction::of_charge(least, micros(1), Credits::ZERO, Credits::ZERO);
        assert_eq!(decided, Err(OutOfRange));
    }

    #[test]
    fn what_goes_back_goes_to_the_lots_that_paid_the_last_one_first() {
        let (gift, bought) = (GrantSource::Promotion, GrantSource::Purchase);
        let lots = [lot(1, gift, 0), lot(2, bought, 6), lot(3, bought, 9), lot(4, gift, 10)];
        let paid = [(1, 5), (2, 3)]
            .map(|(lot, paid)| Allocation { grant: grant(lot), amount: micros(paid) });
        // amount -> what each gets, in the order in which it was put there
        for (amount, expected) in [
            (0, &[][..]),
            (1, &[(2, 1)]),
            (3, &[(2, 3)]),
            (4, &[(2, 3), (1, 1)]),
            (8, &[(2, 3), (1, 5)]),
            // What was taken beyond the hold: the last in turn first.
            (9, &[(2, 3), (1, 5), (3, 1)]),
            (10, &[(2, 4), (1, 5), (3, 1)]),
            (15, &[(2, 4), (1, 10), (3, 1)]),
        ] {
            let back = put_back(micros(amount), &paid, &lots).expect("there is room");
            let back: Vec<_> =
                back.iter().map(|b| (b.grant.raw().as_u128(), b.amount.micros())).collect();
            assert_eq!(back, expected, "{amount}");
        }
        assert_eq!(put_back(micros(16), &paid, &lots), Err(NoRoom { missing: micros(1) }));
        assert_eq!(put_back(micros(1), &paid, &[]), Err(NoRoom { missing: micros(1) }));
    }

    #[test]
    fn a_lot_that_was_filled_up_meanwhile_gets_no_more_than_it_was_given() {
        let lots = [lot(1, GrantSource::Purchase, 0), lot(2, GrantSource::Purchase, 8)];
        let held = CreditGrant { held: micros(1), ..lots[1].clone() };
        let paid = [Allocation { grant: grant(2), amount: micros(5) }];
        let back = put_back(micros(5), &paid, &[lots[0].clone(), held]).expect("there is room");
        let back: Vec<_> = back.iter().map(|b| (b.grant, b.amount.micros())).collect();
        assert_eq!(back, [(grant(2), 1), (grant(1), 4)]);
    }
}
