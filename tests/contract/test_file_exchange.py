"""The contract, kept by the plugin that exchanges files."""

import os

import pytest

from dropstream_file_exchange import PLUGIN
from dropstreamd.testing import contract_tests

from .ftp_rigs import vsftpd
from .sftp_rigs import openssh, sandbox_sftp
from .x12_rigs import openssh_x12, sandbox_x12

test_over_the_sandbox = contract_tests(PLUGIN, sandbox_sftp)
on_demand = pytest.mark.skipif(
    "DROPSTREAMD_X12" not in os.environ, reason="minutes: set DROPSTREAMD_X12 (tests/README.md)"
)
test_x12_over_the_sandbox = on_demand(contract_tests(PLUGIN, sandbox_x12))
test_x12_over_openssh = pytest.mark.counterpart(on_demand(contract_tests(PLUGIN, openssh_x12, faster=5)))
test_over_openssh = pytest.mark.counterpart(contract_tests(PLUGIN, openssh, faster=5))
test_over_vsftpd = pytest.mark.counterpart(contract_tests(PLUGIN, vsftpd, faster=5))
