"""The callback receiver: servers report here what becomes of tasks, under the address that each POST gave them.

Reports are unsigned, and other users of a server may see the address. So a report is believed only as far as it does
no harm: it may name a task, show progress, and have the API asked at once. How a task ended, only the API says.
"""
