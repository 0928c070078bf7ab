"""A small bank directory that tests change one cell of."""

import pytest

from loaders.bank_directory import BankDirectory
from loaders.importing import check_bank

FILES = {
    "customers": "customer_no,kind,name,birth_date,marketing_consent,pet\nC1,person,An,1990-05-01,true,cat\nC2,company,,,,\n",
    "products": "product_code,name,category,requires,margin\nSAVE,Savings,deposit,,10\nGOLD,Gold card,card,SAVE,\n",
    "holdings": "customer_no,product_code,opened_on,closed_on\nC1,SAVE,2020-01-01,\nC1,GOLD,2021-01-01,2022-01-01\n",
    "accounts": "account_no,customer_no,product_code,balance\nA1,C1,SAVE,12.50\n",
    "activity": "account_no,month,inflow\nA1,2026-05,100\nA1,2026-06,\n",
    "relations": "from_customer_no,to_customer_no,kind\nC1,C2,employer\n",
}


@pytest.fixture
def bank(tmp_path):
    """Write the bank, with files replaced by keyword; returns the folder."""

    def write(**files):
        folder = tmp_path / "bank"
        folder.mkdir(exist_ok=True)
        for name, text in (FILES | files).items():
            (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return write


@pytest.fixture
def rejects(tmp_path):
    """Check a folder and return its rejects, each as the text of a line of the rejects file."""

    async def check(folder):
        summary = await check_bank(BankDirectory(folder), tmp_path / "rejects.csv")
        return summary.rejects.read_text().splitlines()[1:] if summary.rejects else []

    return check
