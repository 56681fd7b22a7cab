	(umask 077 && echo A=1 >check/secrets)
	$(CLEVERSYNC) plugins check ./$(NAME).so \
		--set credential.check.path=check/secrets
