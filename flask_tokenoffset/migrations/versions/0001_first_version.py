"""Every table of the first version.

Revision: 0001
Follows: nothing
"""

from __future__ import annotations

from alembic import op

from flask_tokenoffset.migrations.first_version import (
    accounts,
    append_only,
    audit,
    consents,
    documents,
    estimates,
    idempotency,
    identities,
    member_plans,
    messages,
    organizations,
    plans,
    privacy,
    retention,
    samples,
    sign_in,
    sources,
    usage,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: In the order in which they are made: a table comes after those that it refers to.
FEATURES = (
    accounts,
    sources,
    samples,
    usage,
    estimates,
    plans,
    audit,
    identities,
    sign_in,
    organizations,
    member_plans,
    messages,
    documents,
    consents,
    privacy,
    retention,
    idempotency,
)


def upgrade() -> None:
    for feature in FEATURES:
        feature.create()
    append_only.create()


def downgrade() -> None:
    for feature in reversed(FEATURES):
        for table in reversed(feature.TABLES):
            op.drop_table(table)
    append_only.drop()
