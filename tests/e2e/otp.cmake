# One-time passwords from the command line.
foreach(profile 5.4 5.7)
    ingam_script_test(e2e.otp_commands_${profile} otp_commands.sh e2e 180 yubikey-${profile})
endforeach()
ingam_script_test(e2e.otp_issue otp_issue.sh e2e 120)
ingam_script_test(e2e.otp_card otp_card.sh e2e 120)
ingam_script_test(e2e.batch batch.sh e2e 3600)
ingam_script_test(e2e.issue_wizard issue_wizard.sh e2e 240)
