# Key files of the Korean PKI, through the tool.
foreach(name files move kill)
    ingam_script_test(e2e.npki_${name} npki_${name}.sh e2e 240)
endforeach()
