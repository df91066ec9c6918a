//! Invariants, each as the query that finds what breaks it: whose it is, what it is, and what is
//! there against what should be. They mean the same on both databases.
use cape_domain::ids::{CallId, GrantId, HoldId, OrderId, WorkspaceId};
use sea_orm::prelude::Uuid;

/// Something that is always true of a sound ledger.
pub(super) struct Invariant {
    /// Its stable name. Several queries may look for the same.
    pub(super) name: &'static str,
    /// How the id of what breaks it is shown.
    pub(super) subject: fn(Uuid) -> String,
    /// Selects `workspace_id`, `subject` and `detail` of everything that breaks it.
    pub(super) broken: &'static str,
}

pub(super) const INVARIANTS: [Invariant; 12] = [
    Invariant { name: "balance_equals_transfers", subject: workspace, broken: BALANCE_TRANSFERS },
    Invariant { name: "grants_equal_balance", subject: workspace, broken: GRANTS_BALANCE },
    Invariant { name: "open_holds_equal_held", subject: workspace, broken: OPEN_HOLDS },
    Invariant { name: "allocations_equal_hold", subject: hold, broken: ALLOCATIONS },
    Invariant { name: GRANT_HELD_NAME, subject: grant, broken: GRANT_HELD },
    Invariant { name: GRANT_HELD_NAME, subject: grant, broken: GRANT_MISSING },
    Invariant { name: "no_negative_amount", subject: workspace, broken: NEGATIVE_BALANCE },
    Invariant { name: "no_negative_amount", subject: grant, broken: NEGATIVE_GRANT },
    Invariant { name: "ended_hold_has_ended_call", subject: hold, broken: HOLD_CALL },
    Invariant { name: "ended_hold_has_ended_call", subject: call, broken: CALL_WITHOUT_HOLD },
    Invariant { name: PAID_ORDER_NAME, subject: order, broken: ORDER_PAYMENT },
    Invariant { name: PAID_ORDER_NAME, subject: order, broken: ORDER_GRANTS },
];

pub(super) const GRANT_HELD_NAME: &str = "grant_held_equals_open_allocations";
pub(super) const PAID_ORDER_NAME: &str = "paid_order_has_payment_and_grant";

const BALANCE_TRANSFERS: &str = "
    SELECT workspace_id, workspace_id AS subject,
        'available ' || SUM(available) || ', held ' || SUM(held)
            || ', receivable ' || SUM(receivable)
            || '; transferred: ' || SUM(to_available) || ', ' || SUM(to_held)
            || ', ' || SUM(from_receivable) AS detail
    FROM (
        SELECT workspace_id, available, held, receivable,
            0 AS to_available, 0 AS to_held, 0 AS from_receivable
        FROM balances
        UNION ALL
        SELECT workspace_id, 0, 0, 0,
            CASE WHEN to_account = 'available' THEN amount ELSE 0 END
                - CASE WHEN from_account = 'available' THEN amount ELSE 0 END,
            CASE WHEN to_account = 'held' THEN amount ELSE 0 END
                - CASE WHEN from_account = 'held' THEN amount ELSE 0 END,
            CASE WHEN from_account = 'receivable' THEN amount ELSE 0 END
                - CASE WHEN to_account = 'receivable' THEN amount ELSE 0 END
        FROM ledger_transfers
    ) AS amounts
    GROUP BY workspace_id
    HAVING SUM(available) <> SUM(to_available)
        OR SUM(held) <> SUM(to_held)
        OR SUM(receivable) <> SUM(from_receivable)";

const GRANTS_BALANCE: &str = "
    SELECT workspace_id, workspace_id AS subject,
        'available ' || SUM(available) || ', held ' || SUM(held)
            || '; in lots: ' || SUM(lots_remaining) || ', ' || SUM(lots_held) AS detail
    FROM (
        SELECT workspace_id, available, held, 0 AS lots_remaining, 0 AS lots_held FROM balances
        UNION ALL
        SELECT workspace_id, 0, 0, remaining, held FROM credit_grants
    ) AS amounts
    GROUP BY workspace_id
    HAVING SUM(available) <> SUM(lots_remaining) OR SUM(held) <> SUM(lots_held)";

const OPEN_HOLDS: &str = "
    SELECT workspace_id, workspace_id AS subject,
        'held ' || SUM(held) || '; open holds: ' || SUM(amount) AS detail
    FROM (
        SELECT workspace_id, held, 0 AS amount FROM balances
        UNION ALL
        SELECT workspace_id, 0, amount FROM holds WHERE state = 'open'
    ) AS amounts
    GROUP BY workspace_id
    HAVING SUM(held) <> SUM(amount)";

const ALLOCATIONS: &str = "
    SELECT h.workspace_id, h.id AS subject,
        'amount ' || h.amount || '; allocated: ' || COALESCE(SUM(a.amount), 0) AS detail
    FROM holds AS h
    LEFT JOIN hold_allocations AS a ON a.hold_id = h.id
    GROUP BY h.id, h.workspace_id, h.amount
    HAVING h.amount <> COALESCE(SUM(a.amount), 0)";

const GRANT_HELD: &str = "
    SELECT g.workspace_id, g.id AS subject,
        'held ' || g.held || '; open allocations: ' || COALESCE(a.amount, 0) AS detail
    FROM credit_grants AS g
    LEFT JOIN (
        SELECT grant_id, SUM(hold_allocations.amount) AS amount
        FROM hold_allocations
        JOIN holds ON holds.id = hold_id
        WHERE state = 'open'
        GROUP BY grant_id
    ) AS a ON a.grant_id = g.id
    WHERE g.held <> COALESCE(a.amount, 0)";

const GRANT_MISSING: &str = "
    SELECT h.workspace_id, a.grant_id AS subject,
        'no such lot; open allocation: ' || a.amount AS detail
    FROM hold_allocations AS a
    JOIN holds AS h ON h.id = a.hold_id
    LEFT JOIN credit_grants AS g ON g.id = a.grant_id AND g.workspace_id = h.workspace_id
    WHERE h.state = 'open' AND g.id IS NULL";

const NEGATIVE_BALANCE: &str = "
    SELECT workspace_id, workspace_id AS subject,
        'available ' || available || ', held ' || held || ', receivable ' || receivable
            AS detail
    FROM balances
    WHERE available < 0 OR held < 0 OR receivable < 0";

const NEGATIVE_GRANT: &str = "
    SELECT workspace_id, id AS subject,
        'remaining ' || remaining || ', held ' || held || ' of ' || amount AS detail
    FROM credit_grants
    WHERE remaining < 0 OR held < 0 OR remaining + held > amount";

const HOLD_CALL: &str = "
    SELECT h.workspace_id, h.id AS subject,
        h.state || ', used ' || COALESCE(h.used, 0) || '; its call: ' || c.state
            || ', charged ' || c.charge_micros AS detail
    FROM holds AS h
    JOIN calls AS c ON c.hold_id = h.id
    WHERE c.workspace_id <> h.workspace_id OR NOT (
        (h.state = 'open' AND c.state = 'running')
        OR (h.state = 'settled' AND c.state = 'settled'
            AND (COALESCE(h.used, -1) = c.charge_micros OR c.correction_id IS NOT NULL))
        OR (h.state = 'released' AND c.state = 'failed')
    )";

const CALL_WITHOUT_HOLD: &str = "
    SELECT c.workspace_id, c.id AS subject, c.state || '; its hold: none' AS detail
    FROM calls AS c
    LEFT JOIN holds AS h ON h.id = c.hold_id
    WHERE c.hold_id IS NOT NULL AND h.id IS NULL";

const ORDER_PAYMENT: &str = "
    SELECT o.workspace_id, o.id AS subject,
        o.state || ', ' || o.price_minor || ' ' || o.currency || '; paid: '
            || COALESCE(p.amount_minor || ' ' || p.currency, 'nothing') AS detail
    FROM orders AS o
    LEFT JOIN payments AS p ON p.order_id = o.id
    WHERE (o.state <> 'paid' AND p.id IS NOT NULL)
        OR (o.state = 'paid' AND (
            p.id IS NULL
            OR o.payment_id IS NULL
            OR p.id <> o.payment_id
            OR p.workspace_id <> o.workspace_id
            OR p.amount_minor <> o.price_minor
            OR p.currency <> o.currency
        ))";

const ORDER_GRANTS: &str = "
    SELECT workspace_id, id AS subject,
        state || ', ' || credits || ' and ' || bonus || ' on top; ' || lots || ' lots: '
            || purchased || ' and ' || given AS detail
    FROM (
        SELECT o.workspace_id, o.id, o.state, o.credits, o.bonus, COUNT(g.id) AS lots,
            COALESCE(SUM(CASE WHEN g.source = 'purchase' THEN g.amount END), 0) AS purchased,
            COALESCE(SUM(CASE WHEN g.source = 'bonus' THEN g.amount END), 0) AS given
        FROM orders AS o
        LEFT JOIN credit_grants AS g ON g.order_id = o.id AND g.workspace_id = o.workspace_id
        GROUP BY o.id, o.workspace_id, o.state, o.credits, o.bonus
    ) AS orders_with_lots
    WHERE (state <> 'paid' AND lots > 0)
        OR (state = 'paid' AND (
            purchased <> credits
            OR given <> bonus
            OR lots <> 1 + CASE WHEN bonus > 0 THEN 1 ELSE 0 END
        ))";

fn workspace(id: Uuid) -> String {
    WorkspaceId::new(id).to_string()
}

fn hold(id: Uuid) -> String {
    HoldId::new(id).to_string()
}

fn grant(id: Uuid) -> String {
    GrantId::new(id).to_string()
}

fn call(id: Uuid) -> String {
    CallId::new(id).to_string()
}

fn order(id: Uuid) -> String {
    OrderId::new(id).to_string()
}
