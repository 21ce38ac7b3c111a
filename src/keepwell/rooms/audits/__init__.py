"""Audits: what must hold on a host, looked at again and again; what does not is a finding until it is mended or waived."""
